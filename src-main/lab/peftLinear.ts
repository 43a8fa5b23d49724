/**
 * The "linear" of PEFT's add_weighted_adapter: A and B are blended each by itself, A = sum of sqrt(w·s)·A_i and B
 * likewise, with scale 1. Their product has terms that mix the adapters, so it is not the sum of the updates.
 */
import { addScaled } from '../linalg/vectors.ts';
import type { Truncated } from './compress.ts';
import type { Update } from './update.ts';

export type LowRank = Pick<Update, 'in' | 'out'> & { lowRank: NonNullable<Update['lowRank']> };

/** The weights are 0 or more, and the ranks equal. */
export function peftLinear(parts: { update: LowRank; weight: number }[]): Truncated {
  const { in: inputs, out, lowRank } = parts[0]!.update;
  const { rank } = lowRank;
  const [A, B] = [new Float64Array(rank * inputs), new Float64Array(out * rank)];
  for (const { update, weight } of parts) {
    const { scale, factors } = update.lowRank;
    const { left, right } = factors();
    const root = Math.sqrt(weight * scale);
    right.forEach((row, k) => addScaled(A.subarray(k * inputs, (k + 1) * inputs), row, root));
    // The left factor is s·B.
    left.forEach((column, k) => column.forEach((x, i) => (B[i * rank + k]! += (root / scale) * x)));
  }
  return { A: Float32Array.from(A), B: Float32Array.from(B), rank, kept: 0 };
}
