/** Variants of a study compared by their runs' best validation losses, seed by seed. */
import type { Compared, PairedDifference, Relation, Spread } from '../../../src-shared/studies.ts';
import { studentTQuantile } from './studentT.ts';

/** A difference of at most this share of the reference's loss does not count (docs/decisions.md). */
export const MARGIN = 0.01;

/** Best validation loss by seed; a run that is missing, failed or was pruned has none. */
export type Losses = ReadonlyMap<number, number>;

/** Null without values. */
export function spreadOf(values: number[]): Spread | null {
  const n = values.length;
  if (n === 0) return null;
  const mean = values.reduce((sum, value) => sum + value, 0) / n;
  const squares = values.reduce((sum, value) => sum + (value - mean) ** 2, 0);
  return { n, mean, sd: n < 2 ? null : Math.sqrt(squares / (n - 1)) };
}

/** Mean of a - b over the seeds that both have, with its 95 % confidence interval; null where they share none. */
export function pairedDifference(a: Losses, b: Losses): PairedDifference | null {
  const spread = spreadOf([...a].flatMap(([seed, loss]) => (b.has(seed) ? [loss - b.get(seed)!] : [])));
  if (!spread) return null;
  const { n, sd } = spread;
  return { ...spread, halfWidth: sd === null ? null : (studentTQuantile(0.975, n - 1) * sd) / Math.sqrt(n) };
}

/** `margin`: the largest difference that does not count. */
export function relationOf({ mean, halfWidth }: PairedDifference, margin: number): Relation {
  if (halfWidth === null) return 'undecided';
  if (mean + halfWidth < 0) return 'better';
  if (mean + halfWidth <= margin) return 'as good';
  return mean - halfWidth > 0 ? 'worse' : 'undecided';
}

/** The variant with the lowest mean among those with a loss for each seed; null where none has all. */
export function bestOf(variants: Losses[], seeds: number): number | null {
  const means = variants.map((losses) => (losses.size === seeds ? spreadOf([...losses.values()])!.mean : Infinity));
  const lowest = Math.min(...means);
  return lowest === Infinity ? null : means.indexOf(lowest);
}

/** Each variant beside the one of index `reference`; only those with a loss for each seed are compared. */
export function compareVariants(variants: Losses[], seeds: number, reference: number | null): Compared[] {
  const base = reference === null ? undefined : variants[reference];
  const baseMean = base && spreadOf([...base.values()])?.mean;
  return variants.map((losses, i) => {
    const loss = spreadOf([...losses.values()]);
    const bothWhole = losses.size === seeds && base?.size === seeds;
    if (i === reference) return { loss, difference: null, relation: bothWhole ? 'reference' : null };
    const difference = base && bothWhole ? pairedDifference(losses, base) : null;
    if (!difference || baseMean === undefined) return { loss, difference: null, relation: null };
    return { loss, difference, relation: relationOf(difference, MARGIN * baseMean) };
  });
}
