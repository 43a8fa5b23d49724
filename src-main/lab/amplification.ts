/**
 * Whether an update amplifies what its weight already emphasises (Hu et al. 2021, section 7.3, table 7): the weight
 * projected onto the first directions of the update, of itself, and of a random matrix.
 */
import * as tf from '@tensorflow/tfjs-core';
import type { AmplificationResult } from '../../src-shared/lab.ts';
import { Random } from '../../src-shared/random.ts';
import { principalComponents } from '../linalg/principalComponents.ts';
import { thinQr } from '../linalg/qr.ts';
import { dot } from '../linalg/vectors.ts';
import { readRowsF32, rowsOf } from '../safetensors/read.ts';
import type { Update } from './update.ts';

/** `top`: directions, at most those of the update. */
export async function amplificationOf(update: Update, top: number): Promise<AmplificationResult['matrices'][number]> {
  const { weight, name } = update;
  const { rows, width } = rowsOf(weight);
  const W = readRowsF32(weight, 0, rows);
  const { U, S, V, squaredNorm } = await update.decompose();
  const count = S.slice(0, top).filter((value) => value > 0).length;
  // Stored (in, out), the weight is the transpose of the update's orientation.
  const [left, right] = update.turned ? [V, U] : [U, V];
  const random = Random.stream(0, `random directions ${name}`);
  const deltaNorm = Math.sqrt(squaredNorm);
  const inDelta = projected(W, left.slice(0, count), right.slice(0, count));
  return {
    name,
    deltaNorm,
    weightNorm: Math.sqrt(W.reduce((sum, value) => sum + value * value, 0)),
    inDelta,
    inWeight: await largestPart(W, rows, width, Math.min(top, rows, width), random),
    inRandom: projected(W, randomDirections(rows, top, random), randomDirections(width, top, random)),
    factor: deltaNorm > 0 && inDelta > 0 ? deltaNorm / inDelta : null,
  };
}

/** ||U^T W V||_F for W row by row; U: (rows, n), V: (width, m), as columns. */
function projected(W: Float32Array, U: Float64Array[], V: Float64Array[]): number {
  const [rows, width] = [U[0]?.length ?? 0, V[0]?.length ?? 0];
  const sums = U.map(() => new Float64Array(V.length));
  const row = new Float64Array(width);
  for (let i = 0; i < rows; i++) {
    row.set(W.subarray(i * width, (i + 1) * width));
    for (const [j, v] of V.entries()) {
      const along = dot(row, v);
      for (const [k, u] of U.entries()) sums[k]![j] = sums[k]![j]! + u[i]! * along;
    }
  }
  return Math.sqrt(sums.reduce((sum, values) => sum + dot(values, values), 0));
}

/** Norm of the `top` largest singular values of W. */
async function largestPart(W: Float32Array, rows: number, width: number, top: number, random: Random): Promise<number> {
  const tensor = tf.tensor2d(W, [rows, width]);
  const { S } = await principalComponents(tensor, top, random);
  tensor.dispose();
  return Math.sqrt(dot(S, S));
}

/** Orthonormal, uniform over all subspaces: those of a Gaussian matrix. */
export function randomDirections(length: number, count: number, random: Random): Float64Array[] {
  const columns = Array.from({ length: Math.min(count, length) }, () => Float64Array.from(random.normal(length)));
  return thinQr(columns, length).Q();
}
