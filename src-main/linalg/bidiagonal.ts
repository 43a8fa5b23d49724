/**
 * A = Q·B·P^T with B upper bidiagonal, by Householder reflections in float64 (Golub & Van Loan 2013, algorithm
 * 5.4.2). Both reflections of a step are applied in one pass over the matrix, which also takes the products that the
 * next step begins with (Howell et al. 2008), since reading the matrix is what takes the time.
 */
import { reflected, reflectionOf } from './qr.ts';
import { addScaled, dot, product } from './vectors.ts';

type Mirror = Float64Array | null;

export interface Bidiagonal {
  /** (n), and the (n - 1) entries above it. */
  diagonal: Float64Array;
  above: Float64Array;
  /** Q^T·x for x of (rows), its first n entries; P^T·x for x of (n). */
  intoLeft(x: Float64Array): Float64Array;
  intoRight(x: Float64Array): Float64Array;
  /** Q·z and P·z for z of (n). */
  fromLeft(z: Float64Array): Float64Array;
  fromRight(z: Float64Array): Float64Array;
}

/** `columns`: n of them, at most as many as rows; they are overwritten. 8/3·n^3 operations of a square matrix. */
export function bidiagonal(columns: Float64Array[], rows: number): Bidiagonal {
  const n = columns.length;
  const [diagonal, above] = [new Float64Array(n), new Float64Array(Math.max(0, n - 1))];
  const [left, right]: [Mirror[], Mirror[]] = [[], []];
  const zeros = new Float64Array(rows);
  /** 2·v^T·A for the mirror v of the step. */
  let products = new Float64Array(n);
  let v = mirrored(columns, 0, diagonal);
  for (let j = 1; v && j < n; j++) products[j] = 2 * dot(v, columns[j]!);
  for (let k = 0; k < n; k++) {
    left.push(v);
    if (k + 1 === n) break;
    const row = new Float64Array(n);
    for (let j = k + 1; j < n; j++) row[j] = columns[j]![k]! - (v?.[k] ?? 0) * products[j]!;
    const w = reflectionOf(row, k + 1);
    right.push(w);
    above[k] = w ? reflected(row, w, k + 1) : row[k + 1]!;
    const x = w ? rightProducts(columns, w, v, products, k) : zeros;
    const whole = new Float64Array(n);
    if (w) whole.set(w, k + 1);
    updateTwice(columns, k + 1, k + 2, { v: v ?? zeros, x, products, w: whole, next: zeros }, products);
    const next = mirrored(columns, k + 1, diagonal);
    const following = new Float64Array(n);
    updateTwice(columns, k + 2, n, { v: v ?? zeros, x, products, w: whole, next: next ?? zeros }, following);
    [v, products] = [next, following];
  }
  return {
    diagonal,
    above,
    intoLeft: (x) => mirror(x, left, 0).slice(0, n),
    intoRight: (x) => mirror(x, right, 1),
    fromLeft: (z) => mirror(extended(z, rows), left.toReversed(), 0),
    fromRight: (z) => mirror(z, right.toReversed(), 1),
  };

  /** Mirrors all of them, one after the other; a left one is as long as the column, a right one is its end. */
  function mirror(values: Float64Array, mirrors: Mirror[], right: 0 | 1): Float64Array {
    const image = Float64Array.from(values);
    for (const one of mirrors) {
      if (!one) continue;
      const part = right ? image.subarray(image.length - one.length) : image;
      addScaled(part, one, -2 * dot(one, part));
    }
    return image;
  }
}

function extended(z: Float64Array, length: number): Float64Array {
  const whole = new Float64Array(length);
  whole.set(z);
  return whole;
}

/** Makes the mirror of column k in its place, as long as the column, and notes what it leaves on the diagonal. */
function mirrored(columns: Float64Array[], k: number, diagonal: Float64Array): Mirror {
  const column = columns[k]!;
  const v = reflectionOf(column, k);
  diagonal[k] = v ? reflected(column, v, k) : 0;
  if (v) column.fill(0, 0, k).set(v, k);
  return v && column;
}

/** 2·(I - 2vv^T)·A·w below row k: (rows). */
function rightProducts(
  columns: Float64Array[],
  w: Float64Array,
  v: Mirror,
  products: Float64Array,
  k: number,
): Float64Array {
  const below = columns.slice(k + 1).map((column) => column.subarray(k + 1));
  const [sum] = product(below, below[0]!.length, [w]);
  const x = new Float64Array(columns[0]!.length);
  x.set(sum!, k + 1);
  if (v) addScaled(x, v, -dot(w, products.subarray(k + 1)));
  for (let i = k + 1; i < x.length; i++) x[i] = 2 * x[i]!;
  return x.fill(0, 0, k + 1);
}

interface Step {
  v: Float64Array;
  x: Float64Array;
  products: Float64Array;
  w: Float64Array;
  next: Float64Array;
}

/** Columns from..to: a -= products·v + w·x; then into[j] = 2·next·a. */
function updateTwice(columns: Float64Array[], from: number, to: number, step: Step, into: Float64Array): void {
  // Above the columns' first rows nothing is read any more.
  const start = from - 1;
  const cut = (values: Float64Array): Float64Array => values.subarray(start);
  const [v, x, next] = [cut(step.v), cut(step.x), cut(step.next)];
  let j = from;
  for (; j + 4 <= to; j += 4) updateFour(columns.slice(j, j + 4).map(cut), j, { ...step, v, x, next }, into);
  for (; j < to; j++) {
    const column = cut(columns[j]!);
    addScaled(column, v, -step.products[j]!);
    addScaled(column, x, -step.w[j]!);
    into[j] = 2 * dot(next, column);
  }
}

function updateFour(columns: Float64Array[], j: number, { v, x, next, products, w }: Step, into: Float64Array): void {
  const [a, b, c, d] = columns as [Float64Array, Float64Array, Float64Array, Float64Array];
  const [pa, pb, pc, pd] = [products[j]!, products[j + 1]!, products[j + 2]!, products[j + 3]!];
  const [wa, wb, wc, wd] = [w[j]!, w[j + 1]!, w[j + 2]!, w[j + 3]!];
  let [s, t, u, z] = [0, 0, 0, 0];
  for (let i = 0; i < v.length; i++) {
    const [vi, xi, ni] = [v[i]!, x[i]!, next[i]!];
    const ai = a[i]! - pa * vi - wa * xi;
    const bi = b[i]! - pb * vi - wb * xi;
    const ci = c[i]! - pc * vi - wc * xi;
    const di = d[i]! - pd * vi - wd * xi;
    a[i] = ai;
    b[i] = bi;
    c[i] = ci;
    d[i] = di;
    s += ni * ai;
    t += ni * bi;
    u += ni * ci;
    z += ni * di;
  }
  into[j] = 2 * s;
  into[j + 1] = 2 * t;
  into[j + 2] = 2 * u;
  into[j + 3] = 2 * z;
}
