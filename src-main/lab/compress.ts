/**
 * An update of smaller rank: the nearest one of all (Eckart & Young 1936), since the dropped singular values are the
 * error. A and B get the square roots of the kept ones.
 */
import type { CompressRule } from '../../src-shared/lab.ts';
import type { Svd } from '../linalg/svd.ts';
import type { Update } from './update.ts';

export interface Truncated {
  /** (r, in) and (out, r), row by row; dW is B·A, without a scale. */
  A: Float32Array;
  B: Float32Array;
  rank: number;
  /** Sum of the squares of the kept singular values. */
  kept: number;
}

const BYTES_PER_VALUE = 4;

export function bytesOfRank({ in: inputs, out }: Pick<Update, 'in' | 'out'>, rank: number): number {
  return BYTES_PER_VALUE * rank * (inputs + out);
}

/** Of one matrix by itself: so many values, or the fewest that keep this share of ||dW||_F^2. At least 1. */
export function rankBy(rule: Exclude<CompressRule, { bytes: number }>, S: Float64Array, squaredNorm: number): number {
  const useful = Math.max(1, S.filter((value) => value > 0).length);
  if ('rank' in rule) return Math.min(rule.rank, useful);
  let kept = 0;
  const enough = S.findIndex((value) => (kept += value ** 2) >= rule.energy * squaredNorm);
  return enough < 0 ? useful : Math.min(enough + 1, useful);
}

/**
 * Ranks that together take no more than `bytes`: each matrix gets one, and then whatever value adds most to the kept
 * energy for its size, until the next no longer fits. Null where not even rank 1 does.
 */
export function ranksWithin(bytes: number, spectra: { in: number; out: number; S: Float64Array }[]): number[] | null {
  const sizes = spectra.map((one) => bytesOfRank(one, 1));
  let left = bytes - sizes.reduce((sum, size) => sum + size, 0);
  if (left < 0) return null;
  const ranks = spectra.map(() => 1);
  const more = spectra
    .flatMap(({ S }, i) => Array.from(S.subarray(1), (value) => ({ i, value, gain: value ** 2 / sizes[i]! })))
    .filter(({ value }) => value > 0)
    .sort((a, b) => b.gain - a.gain);
  for (const { i } of more) {
    if (sizes[i]! > left) continue;
    ranks[i]!++;
    left -= sizes[i]!;
  }
  return ranks;
}

export function truncated({ U, S, V }: Svd, rank: number, { in: inputs, out }: Update): Truncated {
  const A = new Float32Array(rank * inputs);
  const B = new Float32Array(out * rank);
  let kept = 0;
  for (let k = 0; k < rank; k++) {
    const value = S[k] ?? 0;
    const root = Math.sqrt(value);
    kept += value ** 2;
    V[k]?.forEach((x, i) => (A[k * inputs + i] = root * x));
    U[k]?.forEach((x, i) => (B[i * rank + k] = root * x));
  }
  return { A, B, rank, kept };
}
