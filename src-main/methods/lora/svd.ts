/**
 * The largest singular values and vectors of a matrix. Small matrices exactly, by one-sided Jacobi rotations in float64
 * (Hestenes 1958); large ones by subspace iteration from a random start (Halko et al. 2011, algorithm 4.4), whose
 * products run on the engine.
 */
import * as tf from '@tensorflow/tfjs-core';
import type { Random } from '../../../src-shared/random.ts';

/** Narrowest side up to which the whole decomposition is computed. */
const EXACT_UP_TO = 128;
/** Columns beyond r, and rounds, of the subspace iteration; PiSSA's authors take 16 rounds for near-exact vectors. */
const OVERSAMPLING = 16;
const ROUNDS = 16;
const MAX_SWEEPS = 60;

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
  if (Math.min(rows, columns) <= EXACT_UP_TO) return largest(columnsOf(await W.data(), rows, columns), r, rows);
  const width = Math.min(r + OVERSAMPLING, rows, columns);
  let Q = tf.tensor2d(random.normal(columns * width), [columns, width]);
  for (let round = 0; round < ROUNDS; round++) {
    const next = await orthonormal(W, await orthonormal(W, Q, false), true);
    Q.dispose();
    Q = next;
  }
  const WQ = tf.matMul(W, Q); // (rows, width)
  const small = largest(columnsOf(await WQ.data(), rows, width), r, rows);
  const V = tf.matMul(tf.tensor2d(Float32Array.from(small.V), [r, width]), Q, false, true);
  const values = await V.data();
  tf.dispose([WQ, Q, V]);
  return { U: small.U, S: small.S, V: Float64Array.from(values) };
}

/** An orthonormal basis of W·Q, or of W^T·Q. */
async function orthonormal(W: tf.Tensor2D, Q: tf.Tensor2D, transposed: boolean): Promise<tf.Tensor2D> {
  const product: tf.Tensor2D = tf.matMul(W, Q, transposed);
  const [rows, width] = product.shape;
  const columns = columnsOf(await product.data(), rows, width);
  product.dispose();
  if (transposed) Q.dispose();
  columns.forEach((column, i) => {
    for (let pass = 0; pass < 2; pass++)
      for (const before of columns.slice(0, i)) addScaled(column, before, -dot(column, before));
    const norm = Math.sqrt(dot(column, column)) || 1;
    column.forEach((x, k) => (column[k] = x / norm));
  });
  const values = new Float32Array(rows * width);
  columns.forEach((column, j) => column.forEach((x, i) => (values[i * width + j] = x)));
  return tf.tensor2d(values, [rows, width]);
}

/** By rotations of pairs of columns until all are orthogonal: then they are U·S, and the rotations V. */
function largest(columns: Float64Array[], r: number, rows: number): Components {
  if (columns.length > rows) {
    const { U, S, V } = largest(transposed(columns, rows), r, columns.length);
    return { U: turned(V, r, rows), S, V: turned(U, columns.length, r) };
  }
  const n = columns.length;
  const rotations = Array.from({ length: n }, (_, i) => Float64Array.from({ length: n }, (__, k) => (i === k ? 1 : 0)));
  for (let sweep = 0, turns = 1; turns > 0 && sweep < MAX_SWEEPS; sweep++) {
    turns = 0;
    for (let p = 0; p < n; p++) for (let q = p + 1; q < n; q++) if (rotate(columns, rotations, p, q)) turns++;
  }
  const norms = columns.map((column) => Math.sqrt(dot(column, column)));
  const order = norms
    .map((_, i) => i)
    .sort((a, b) => norms[b]! - norms[a]!)
    .slice(0, r);
  const U = new Float64Array(rows * r);
  order.forEach((column, j) =>
    columns[column]!.forEach((x, i) => (U[i * r + j] = norms[column]! > 0 ? x / norms[column]! : 0)),
  );
  const V = Float64Array.from(order.flatMap((column) => [...rotations[column]!]));
  return { U, S: Float64Array.from(order, (column) => norms[column]!), V };
}

/** Makes two columns orthogonal; false where they are already. */
function rotate(columns: Float64Array[], rotations: Float64Array[], p: number, q: number): boolean {
  const [a, b] = [columns[p]!, columns[q]!];
  const [aa, bb, ab] = [dot(a, a), dot(b, b), dot(a, b)];
  if (Math.abs(ab) <= 1e-14 * Math.sqrt(aa * bb)) return false;
  const zeta = (bb - aa) / (2 * ab);
  const t = (zeta < 0 ? -1 : 1) / (Math.abs(zeta) + Math.sqrt(1 + zeta * zeta));
  const c = 1 / Math.sqrt(1 + t * t);
  for (const [x, y] of [
    [a, b],
    [rotations[p]!, rotations[q]!],
  ] as const) {
    for (let i = 0; i < x.length; i++) {
      const [xi, yi] = [x[i]!, y[i]!];
      x[i] = c * (xi - t * yi);
      y[i] = c * (t * xi + yi);
    }
  }
  return true;
}

function columnsOf(values: ArrayLike<number>, rows: number, width: number): Float64Array[] {
  return Array.from({ length: width }, (_, j) =>
    Float64Array.from({ length: rows }, (__, i) => values[i * width + j]!),
  );
}

function transposed(columns: Float64Array[], rows: number): Float64Array[] {
  return Array.from({ length: rows }, (_, i) => Float64Array.from(columns, (column) => column[i]!));
}

/** (rows, width) row by row, as (width, rows). */
function turned(values: Float64Array, rows: number, width: number): Float64Array {
  return Float64Array.from(values, (_, i) => values[(i % rows) * width + Math.floor(i / rows)]!);
}

function dot(a: Float64Array, b: Float64Array): number {
  let sum = 0;
  for (let i = 0; i < a.length; i++) sum += a[i]! * b[i]!;
  return sum;
}

function addScaled(to: Float64Array, from: Float64Array, factor: number): void {
  for (let i = 0; i < to.length; i++) to[i] = to[i]! + factor * from[i]!;
}
