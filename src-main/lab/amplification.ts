/**
 * Whether an update amplifies what its weight already emphasises (Hu et al. 2021, section 7.3, table 7): the weight
 * projected onto the first directions of the update, of itself, and of a random matrix; the ranks of both, and which
 * directions of the weight those of the update resemble.
 */
import * as tf from '@tensorflow/tfjs-core';
import type { AmplificationResult } from '../../src-shared/lab.ts';
import { Random } from '../../src-shared/random.ts';
import { principalComponents } from '../linalg/principalComponents.ts';
import { thinQr } from '../linalg/qr.ts';
import { numericalRank } from '../linalg/svd.ts';
import { dot, norm } from '../linalg/vectors.ts';
import { wholeSvd, type WholeSvd } from '../linalg/wholeSvd.ts';
import { effectiveRank } from './spectrum.ts';
import type { Update } from './update.ts';

type Direction = NonNullable<AmplificationResult['matrices'][number]['directions']>[number];

/** Narrower side up to which W is decomposed whole, for its rank and for what lies along all of its directions. */
const WHOLE_WEIGHT_UP_TO = 1024;

/** `top`: directions, at most those of the update. */
export async function amplificationOf(update: Update, top: number): Promise<AmplificationResult['matrices'][number]> {
  const { name, out, in: inputs, lowRank } = update;
  const W = update.weightRows();
  const { U, S, V, squaredNorm } = await update.decompose();
  const count = S.slice(0, top).filter((value) => value > 0).length;
  const [left, right] = [U.slice(0, count), V.slice(0, count)];
  const random = Random.stream(0, `random directions ${name}`);
  const deltaNorm = Math.sqrt(squaredNorm);
  const inDelta = projected(W, left, right);
  const whole = Math.min(out, inputs) <= WHOLE_WEIGHT_UP_TO ? wholeSvd(W, out, inputs) : undefined;
  const largest = whole ? whole.S.slice(0, top) : await largestValues(W, out, inputs, top, random);
  const allValues = lowRank !== undefined || S.length === Math.min(out, inputs);
  return {
    name,
    deltaNorm,
    weightNorm: norm(W),
    inDelta,
    inWeight: norm(largest),
    inRandom: projected(W, randomDirections(out, top, random), randomDirections(inputs, top, random)),
    factor: deltaNorm > 0 && inDelta > 0 ? deltaNorm / inDelta : null,
    deltaRank: allValues ? numericalRank(S, Math.max(out, inputs)) : null,
    deltaEffectiveRank: allValues ? effectiveRank(S) : null,
    weightRank: whole?.rank ?? null,
    weightEffectiveRank: whole ? effectiveRank(whole.S) : null,
    directions: whole ? resembled(whole, left, right) : null,
  };
}

/** For each direction of dW, those of W that resemble it most, by what is written (left) and what is read (right). */
function resembled(whole: WholeSvd, left: Float64Array[], right: Float64Array[]): Direction[] {
  const [written, read] = [whole.alongLeft(left), whole.alongRight(right)];
  return written.map((products, i) => ({ written: nearest(products), read: nearest(read[i]!) }));
}

function nearest(products: Float64Array): Direction['read'] {
  const cosines = products.map(Math.abs);
  const cosine = cosines.reduce((most, x) => Math.max(most, x), 0);
  return { index: cosines.indexOf(cosine), cosine };
}

/** ||U^T W V||_F for W row by row; U: (rows, n), V: (width, m), as columns. */
function projected(W: Float64Array, U: Float64Array[], V: Float64Array[]): number {
  const [rows, width] = [U[0]?.length ?? 0, V[0]?.length ?? 0];
  const sums = U.map(() => new Float64Array(V.length));
  for (let i = 0; i < rows; i++) {
    const row = W.subarray(i * width, (i + 1) * width);
    for (const [j, v] of V.entries()) {
      const along = dot(row, v);
      for (const [k, u] of U.entries()) sums[k]![j] = sums[k]![j]! + u[i]! * along;
    }
  }
  return Math.sqrt(sums.reduce((sum, values) => sum + dot(values, values), 0));
}

/** The `top` largest singular values of W, on the engine. */
async function largestValues(
  W: Float64Array,
  rows: number,
  width: number,
  top: number,
  random: Random,
): Promise<Float64Array> {
  const tensor = tf.tensor2d(Float32Array.from(W), [rows, width]);
  const { S } = await principalComponents(tensor, top, random);
  tensor.dispose();
  return S;
}

/** Orthonormal, uniform over all subspaces: those of a Gaussian matrix. */
export function randomDirections(length: number, count: number, random: Random): Float64Array[] {
  const columns = Array.from({ length: Math.min(count, length) }, () => Float64Array.from(random.normal(length)));
  return thinQr(columns, length).Q();
}
