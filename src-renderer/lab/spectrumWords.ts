/** What stands out in a spectrum, in sentences. */
import type { LabAnswers } from '../lib/api.ts';
import { matrixLabel } from './matrixMap.ts';
import { countedDirections } from './noun.ts';

type Matrix = LabAnswers['spectrum']['matrices'][number];

/** A rank counts as used as long as it takes it to hold this share of ||dW||_F^2. */
const USED_SHARE = 0.99;

/** The fewest ranks that hold USED_SHARE of the update; 0 of one that is zero; null where those computed hold less. */
export function usedRanks({ singularValues, energy }: Pick<Matrix, 'singularValues' | 'energy'>): number | null {
  if (!singularValues[0]) return 0;
  const at = energy.findIndex((share) => share >= USED_SHARE);
  return at < 0 ? null : at + 1;
}

/** `noun`: what a direction is called, `rank` for LoRA and `direction` for updates that have no rank of their own. */
export function spectrumWords(matrices: readonly Matrix[], noun: 'rank' | 'direction'): string[] {
  const known = matrices.flatMap((matrix) => {
    const used = usedRanks(matrix);
    return used === null ? [] : [{ matrix, used, of: matrix.singularValues.length }];
  });
  if (known.length === 0)
    return [
      `No matrix holds 99 % of its update in the ${countedDirections(matrices[0]?.singularValues.length ?? 0, noun)} ` +
        'computed.',
    ];
  const share = ({ used, of }: (typeof known)[number]): number => used / of;
  const sorted = known.toSorted((a, b) => share(a) - share(b) || a.used - b.used);
  const [least, most] = [sorted[0]!, sorted.at(-1)!];
  const said = ({ matrix, used, of }: (typeof known)[number]): string =>
    `${matrixLabel(matrix.name)} uses ${used} of its ${countedDirections(of, noun)}`;
  if (least.used === most.used && least.of === most.of)
    return [`Every matrix uses ${most.used} of its ${countedDirections(most.of, noun)}.`];
  const largest = Math.max(...known.map(({ used }) => used));
  return [
    `${capital(said(least))}, the smallest share; ${said(most)}, the largest.`,
    ...(known.length === matrices.length && known.some(({ of }) => of > largest)
      ? [`No matrix uses more than ${largest}: cut to rank ${largest}, each would keep 99 % of its update.`]
      : []),
  ];
}

function capital(text: string): string {
  return text.charAt(0).toUpperCase() + text.slice(1);
}
