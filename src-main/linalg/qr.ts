/**
 * Thin QR decomposition in float64: by Cholesky decompositions of the Gram matrix (choleskyQr.ts), and where the
 * columns depend on each other too much for that, by Householder reflections (Golub & Van Loan 2013, algorithm 5.2.1).
 */
import { choleskyQr } from './choleskyQr.ts';
import { addScaled, dot, norm } from './vectors.ts';

export interface ThinQr {
  /** Rows of R: the number of columns, at most that of rows. */
  n: number;
  /** Upper triangle, as columns: (n, columns). */
  R: Float64Array[];
  /** Makes the orthonormal columns: (rows, n). They take as long as R, and are not always needed. */
  Q(): Float64Array[];
}

/** `columns` stay as they are; more of them than rows give a wide R. Columns may depend on others. */
export function thinQr(columns: readonly Float64Array[], rows: number): ThinQr {
  return choleskyQr(columns, rows) ?? householderQr(columns, rows);
}

function householderQr(columns: readonly Float64Array[], rows: number): ThinQr {
  const work = columns.map((column) => Float64Array.from(column));
  const n = Math.min(rows, work.length);
  const reflections = work.slice(0, n).map((column, k) => {
    const reflection = reflectionOf(column, k);
    reflect(work.slice(k), reflection, k);
    return reflection;
  });
  const R = work.map((column, k) => column.slice(0, n).fill(0, Math.min(k + 1, n)));
  return { n, R, Q: () => orthonormalOf(reflections, rows) };
}

function orthonormalOf(reflections: (Float64Array | null)[], rows: number): Float64Array[] {
  const Q = reflections.map((_, k) => {
    const column = new Float64Array(rows);
    column[k] = 1;
    return column;
  });
  // A reflection does not reach the unit vectors that lie above it.
  for (let k = Q.length - 1; k >= 0; k--) reflect(Q.slice(k), reflections[k]!, k);
  return Q;
}

/** A unit vector whose mirror turns what `column` has below row k into one entry; null where there is nothing. */
export function reflectionOf(column: Float64Array, k: number): Float64Array | null {
  const v = column.slice(k);
  const length = norm(v);
  if (length === 0) return null;
  v[0] = v[0]! + (v[0]! < 0 ? -length : length);
  const scale = 1 / norm(v);
  for (let i = 0; i < v.length; i++) v[i] = v[i]! * scale;
  return v;
}

/** The entry that a reflection leaves of what lies from k on. */
export function reflected(values: Float64Array, v: Float64Array, k: number): number {
  return values[k]! - 2 * v[0]! * dot(v, values.subarray(k));
}

/** Mirrors the columns from row k on; four at a time, since reading the mirror is half the work. */
function reflect(columns: Float64Array[], mirror: Float64Array | null, k: number): void {
  if (!mirror) return;
  const below = columns.map((column) => column.subarray(k));
  let i = 0;
  for (; i + 4 <= below.length; i += 4) reflectFour(below[i]!, below[i + 1]!, below[i + 2]!, below[i + 3]!, mirror);
  for (const column of below.slice(i)) addScaled(column, mirror, -2 * dot(mirror, column));
}

function reflectFour(a: Float64Array, b: Float64Array, c: Float64Array, d: Float64Array, v: Float64Array): void {
  let [s, t, u, w] = [0, 0, 0, 0];
  for (let i = 0; i < v.length; i++) {
    const x = v[i]!;
    s += x * a[i]!;
    t += x * b[i]!;
    u += x * c[i]!;
    w += x * d[i]!;
  }
  [s, t, u, w] = [2 * s, 2 * t, 2 * u, 2 * w];
  for (let i = 0; i < v.length; i++) {
    const x = v[i]!;
    a[i] = a[i]! - s * x;
    b[i] = b[i]! - t * x;
    c[i] = c[i]! - u * x;
    d[i] = d[i]! - w * x;
  }
}
