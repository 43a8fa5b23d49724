/**
 * The largest singular values and vectors of a matrix on the engine. Small ones are decomposed whole; large ones by
 * subspace iteration from a random start (Halko et al. 2011, algorithm 4.4).
 */
import * as tf from '@tensorflow/tfjs-core';
import type { Random } from '../../src-shared/random.ts';
import { thinQr } from './qr.ts';
import { svd } from './svd.ts';
import { columnsOf } from './vectors.ts';

/** Narrowest side up to which the whole decomposition is computed. */
export const EXACT_UP_TO = 128;
/** Columns beyond r, and rounds, of the subspace iteration; PiSSA's authors take 16 rounds for near-exact vectors. */
const OVERSAMPLING = 16;
const ROUNDS = 16;

export interface Components {
  /** (rows, r), row by row. */
  U: Float64Array;
  /** (r), descending. */
  S: Float64Array;
  /** (r, columns), row by row: V^T. */
  V: Float64Array;
}

/** W: (rows, columns), r at most its narrower side. */
export async function principalComponents(W: tf.Tensor2D, r: number, random: Random): Promise<Components> {
  const [rows, columns] = W.shape;
  if (Math.min(rows, columns) <= EXACT_UP_TO) {
    const { U, S, V } = svd(columnsOf(await W.data(), rows, columns), rows, r);
    return { U: rowByRow(U, rows), S, V: joined(V) };
  }
  const width = Math.min(r + OVERSAMPLING, rows, columns);
  let Q = tf.tensor2d(random.normal(columns * width), [columns, width]);
  for (let round = 0; round < ROUNDS; round++) {
    const next = await orthonormal(W, await orthonormal(W, Q, false), true);
    Q.dispose();
    Q = next;
  }
  const WQ = tf.matMul(W, Q); // (rows, width)
  const small = svd(columnsOf(await WQ.data(), rows, width), rows, r);
  const V = tf.matMul(tf.tensor2d(Float32Array.from(joined(small.V)), [r, width]), Q, false, true);
  const values = await V.data();
  tf.dispose([WQ, Q, V]);
  return { U: rowByRow(small.U, rows), S: small.S, V: Float64Array.from(values) };
}

/** An orthonormal basis of W·Q, or of W^T·Q. */
async function orthonormal(W: tf.Tensor2D, Q: tf.Tensor2D, transposed: boolean): Promise<tf.Tensor2D> {
  const image: tf.Tensor2D = tf.matMul(W, Q, transposed);
  const [rows, width] = image.shape;
  const columns = columnsOf(await image.data(), rows, width);
  image.dispose();
  if (transposed) Q.dispose();
  return tf.tensor2d(Float32Array.from(rowByRow(thinQr(columns, rows).Q(), rows)), [rows, width]);
}

function rowByRow(columns: Float64Array[], rows: number): Float64Array {
  const values = new Float64Array(rows * columns.length);
  columns.forEach((column, j) => column.forEach((x, i) => (values[i * columns.length + j] = x)));
  return values;
}

function joined(vectors: Float64Array[]): Float64Array {
  return Float64Array.from(vectors.flatMap((vector) => [...vector]));
}
