/** Eigenvalues of symmetric tridiagonal matrices with a diagonal of zeros, and what is asked of their eigenvectors. */
import type { Random } from '../../src-shared/random.ts';
import { addScaled, dot, norm } from './vectors.ts';

/**
 * Eigenvalues, in no order, by implicit QL with shifts (Golub & Van Loan 2013, section 8.3).
 * @param beside (n - 1) entries beside the diagonal
 * @param vectors (n) each; vector x becomes its products with all eigenvectors, without any of these being made
 */
export function eigenvalues(beside: Float64Array, vectors: Float64Array[] = []): Float64Array {
  const n = beside.length + 1;
  const d = new Float64Array(n);
  const e = new Float64Array(n);
  e.set(beside);
  const negligible = Number.EPSILON * beside.reduce((most, x) => Math.max(most, Math.abs(x)), 0);
  const all = interleaved(vectors, n);
  for (let l = 0; l < n; l++)
    for (let m = blockEnd(e, l, negligible); m > l; m = blockEnd(e, l, negligible))
      sweep(d, e, l, m, all, vectors.length);
  vectors.forEach((vector, c) => vector.forEach((_, i) => (vector[i] = all[i * vectors.length + c]!)));
  return d;
}

/** Entry by entry, so that a rotation finds what it turns in one place. */
function interleaved(vectors: Float64Array[], n: number): Float64Array {
  const all = new Float64Array(n * vectors.length);
  vectors.forEach((vector, c) => vector.forEach((x, i) => (all[i * vectors.length + c] = x)));
  return all;
}

function blockEnd(e: Float64Array, l: number, negligible: number): number {
  let m = l;
  while (m < e.length - 1 && Math.abs(e[m]!) > negligible) m++;
  return m;
}

/** One sweep from row m up to row l. */
function sweep(d: Float64Array, e: Float64Array, l: number, m: number, all: Float64Array, width: number): void {
  const half = (d[l + 1]! - d[l]!) / (2 * e[l]!);
  let g = d[m]! - d[l]! + e[l]! / (half + Math.sign(half || 1) * Math.sqrt(half * half + 1));
  let [s, c, p] = [1, 1, 0];
  for (let i = m - 1; i >= l; i--) {
    const [f, b] = [s * e[i]!, c * e[i]!];
    const r = Math.sqrt(f * f + g * g);
    e[i + 1] = r;
    if (r === 0) {
      d[i + 1] = d[i + 1]! - p;
      e[m] = 0;
      return;
    }
    s = f / r;
    c = g / r;
    g = d[i + 1]! - p;
    const turned = (d[i]! - g) * s + 2 * c * b;
    p = s * turned;
    d[i + 1] = g + p;
    g = c * turned - b;
    for (let k = i * width; k < (i + 1) * width; k++) {
      const [upper, lower] = [all[k]!, all[k + width]!];
      all[k + width] = s * upper + c * lower;
      all[k] = c * upper - s * lower;
    }
  }
  d[l] = d[l]! - p;
  e[l] = g;
  e[m] = 0;
}

const ROUNDS = 3;

/** Unit eigenvectors of these eigenvalues by inverse iteration, each orthogonal to those before it: (n) each. */
export function eigenvectors(beside: Float64Array, values: Float64Array, random: Random): Float64Array[] {
  const largest = beside.reduce((most, x) => Math.max(most, Math.abs(x)), 0);
  const found: Float64Array[] = [];
  for (const value of values) {
    const solve = shiftedSolver(beside, value, Number.EPSILON * largest);
    const x = Float64Array.from(random.normal(beside.length + 1));
    for (let round = 0; round < ROUNDS; round++) {
      solve(x);
      normalise(x);
      // Twice: a cluster's next vector can lie almost whole within those before it.
      for (let turn = 0; turn < 2; turn++) for (const one of found) addScaled(x, one, -dot(one, x));
      normalise(x);
    }
    found.push(x);
  }
  return found;
}

function normalise(x: Float64Array): void {
  const length = norm(x);
  for (let i = 0; i < x.length; i++) x[i] = x[i]! / length;
}

/** Solves (T - shift·I)·x = x in place, by elimination with exchanged rows; a zero pivot counts as `tiny`. */
function shiftedSolver(beside: Float64Array, shift: number, tiny: number): (x: Float64Array) => void {
  const n = beside.length + 1;
  // Row i of the upper triangle: columns i, i + 1 and i + 2.
  const [a, b, c] = [new Float64Array(n), new Float64Array(n), new Float64Array(n)];
  const factors = new Float64Array(n);
  const exchanged = new Uint8Array(n);
  let [p, q] = [-shift, beside[0] ?? 0]; // the row that is being eliminated with, its columns i and i + 1
  for (let i = 0; i < n - 1; i++) {
    const [below, diagonal, beyond] = [beside[i]!, -shift, beside[i + 1] ?? 0];
    exchanged[i] = Number(Math.abs(below) > Math.abs(p));
    if (exchanged[i]) {
      [a[i], b[i], c[i]] = [below, diagonal, beyond];
      factors[i] = p / below;
      [p, q] = [q - factors[i]! * diagonal, -factors[i]! * beyond];
    } else {
      [a[i], b[i]] = [p || tiny, q];
      factors[i] = below / a[i]!;
      [p, q] = [diagonal - factors[i]! * q, beyond];
    }
  }
  a[n - 1] = Math.abs(p) > tiny ? p : tiny;
  return (x) => {
    for (let i = 0; i < n - 1; i++) {
      if (exchanged[i]) [x[i], x[i + 1]] = [x[i + 1]!, x[i]!];
      x[i + 1] = x[i + 1]! - factors[i]! * x[i]!;
    }
    for (let i = n - 1; i >= 0; i--) x[i] = (x[i]! - b[i]! * (x[i + 1] ?? 0) - c[i]! * (x[i + 2] ?? 0)) / a[i]!;
  };
}
