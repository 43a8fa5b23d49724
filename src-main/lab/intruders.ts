/**
 * Intruder dimensions (Shuttleworth et al. 2024, arXiv:2410.21228, section 3): left singular vectors of W + dW that
 * resemble none of W's, and the update without them (section 5, their values scaled by 0).
 */
import type { Intruder } from '../../src-shared/lab.ts';
import { Random } from '../../src-shared/random.ts';
import type { Svd } from '../linalg/svd.ts';
import { addScaled } from '../linalg/vectors.ts';
import { wholeSvd, type WholeSvd } from '../linalg/wholeSvd.ts';
import { truncated, type Truncated } from './compress.ts';
import { denseSvd, productSvd, type Update } from './update.ts';

export interface FoundIntruders {
  /** Vectors that were looked at: `top`, or as many as W + dW has. */
  looked: number;
  intruders: (Intruder & Triple)[];
}

/** A singular value's part of W + dW is singularValue·u·v^T; u: (out), v: (in). */
interface Triple {
  u: Float64Array;
  v: Float64Array;
}

type Tuned = Pick<Update, 'name' | 'out' | 'in' | 'weightRows' | 'dense'>;

/** The first `top` vectors whose largest |cosine| with any of W's is below epsilon; W's of value zero do not count. */
export function intrudersOf(update: Tuned, top: number, epsilon: number): FoundIntruders {
  const { out, in: inputs, name } = update;
  const { S, U, V } = tunedSvd(update).largest(top, Random.stream(0, `singular vectors ${name}`));
  const along = wholeSvd(update.weightRows(), out, inputs).alongLeft(U);
  const intruders = along.flatMap((products, index) => {
    const cosine = products.reduce((most, x) => Math.max(most, Math.abs(x)), 0);
    return cosine < epsilon ? [{ index, singularValue: S[index]!, cosine, u: U[index]!, v: V[index]! }] : [];
  });
  return { looked: U.length, intruders };
}

/** Of W + dW. */
function tunedSvd(update: Tuned): WholeSvd {
  const values = update.weightRows();
  addScaled(values, update.dense(), 1);
  return wholeSvd(values, update.out, update.in);
}

/** dW - sum of s·u·v^T, exact but for rounding: the update's own rank and one per intruder. */
export async function withoutIntruders(update: Update, intruders: FoundIntruders['intruders']): Promise<Truncated> {
  const { out, in: inputs, name } = update;
  if (update.lowRank) {
    const { left, right } = update.lowRank.factors();
    const taken = intruders.map(({ u, singularValue }) => u.map((x) => -singularValue * x));
    const factors = { left: [...left, ...taken], right: [...right, ...intruders.map(({ v }) => v)] };
    return cut(productSvd(factors, out, inputs), factors.left.length, update);
  }
  const delta = update.dense();
  for (const { u, v, singularValue } of intruders)
    u.forEach((x, i) => addScaled(delta.subarray(i * inputs, (i + 1) * inputs), v, -singularValue * x));
  return cut(await denseSvd(delta, out, inputs, name), Math.min(out, inputs), update);
}

function cut(svd: Svd, rank: number, update: Update): Truncated {
  return truncated(svd, Math.min(rank, update.in, update.out), update);
}
