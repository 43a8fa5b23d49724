/** What stands out between two adapters, in sentences. */
import type { SimilarityOverview } from '../../lib/api.ts';
import { formatFixed } from '../../lib/format.ts';
import { matrixLabel } from '../../lab/matrixMap.ts';
import { counted } from '../../../src-shared/plural.ts';

export type Side = 'a' | 'b';

/** Half of a space is much; so many times what chance gives, and so much at least, is more than chance. */
const MUCH = 0.5;
const MORE = { factor: 3, share: 0.1 };

/** `k`: how many directions of each are compared. */
export function similarityWords({ pairs }: Pick<SimilarityOverview, 'pairs'>, side: Side, k: number): string[] {
  const found = pairs.flatMap((pair) => {
    const [own, chance] = side === 'a' ? [pair.a, pair.randomA] : [pair.b, pair.randomB];
    const at = Math.min(k, own.length) - 1;
    return at < 0 ? [] : [{ name: pair.name, phi: own[at]!, chance: chance[at]! }];
  });
  if (found.length === 0) return ['No matrix has a direction in both adapters.'];
  const phi = median(found.map((one) => one.phi));
  const chance = median(found.map((one) => one.chance));
  const directions = k === 1 ? 'first direction' : `first ${counted(k, ['direction', 'directions'])}`;
  const verdict =
    phi >= Math.max(MUCH, MORE.factor * chance)
      ? `The two share much of their ${directions}`
      : phi >= Math.max(MORE.share, MORE.factor * chance)
        ? `The two share more of their ${directions} than chance gives`
        : `The two share hardly more of their ${directions} than chance gives`;
  const most = found.reduce((best, one) => (one.phi > best.phi ? one : best));
  return [
    `${verdict}: ${formatFixed(phi, 2)} in the median of ${counted(found.length, ['matrix', 'matrices'])}, ` +
      `by chance ${formatFixed(chance, 2)}.`,
    ...(found.length > 1 ? [`Most is shared in ${matrixLabel(most.name)}, ${formatFixed(most.phi, 2)}.`] : []),
  ];
}

export function median(values: readonly number[]): number {
  const sorted = values.toSorted((a, b) => a - b);
  const middle = sorted.length >> 1;
  return sorted.length % 2 === 1 ? sorted[middle]! : (sorted[middle - 1]! + sorted[middle]!) / 2;
}
