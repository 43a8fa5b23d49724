/** What table 7 says of an adapter, in sentences. */
import type { LabAnswers } from '../../lib/api.ts';
import { formatFixed } from '../../lib/format.ts';
import { matrixLabel } from '../../lab/matrixMap.ts';
import { median } from './similarityWords.ts';

type Matrix = Pick<
  LabAnswers['amplification']['matrices'][number],
  'name' | 'inDelta' | 'inWeight' | 'inRandom' | 'factor'
>;

export function amplificationWords(matrices: readonly Matrix[]): string[] {
  const known = matrices.flatMap((matrix) => (matrix.factor === null ? [] : [{ ...matrix, factor: matrix.factor }]));
  if (known.length === 0) return ['Every update is zero: the adapter changes nothing.'];
  const share = median(known.map(({ inDelta, inWeight }) => inDelta / inWeight));
  const chance = median(known.map(({ inRandom, inWeight }) => inRandom / inWeight));
  const strongest = known.reduce((best, one) => (one.factor > best.factor ? one : best));
  const factor = median(known.map((one) => one.factor));
  return [
    `The directions of the update hold ${percent(share)} of what W has in its own (random ones: ${percent(chance)}), ` +
      `and the update is ${times(factor)} as large there; medians over the matrices.`,
    `Most is amplified in ${matrixLabel(strongest.name)}, ${times(strongest.factor)} what W has there.`,
  ];
}

function percent(share: number): string {
  return `${Math.round(100 * share)} %`;
}

function times(factor: number): string {
  return `${formatFixed(factor, 1)} times`;
}
