/**
 * Singular values and vectors of small matrices by one-sided Jacobi rotations in float64 (Hestenes 1958), which finds
 * small singular values to full relative precision.
 */
import { dot, norm, transposed } from './vectors.ts';

const MAX_SWEEPS = 60;

/** W = U·diag(S)·V^T with k values, at most as many as the narrower side has. */
export interface Svd {
  /** (rows, k), as columns; a column is zero where its value is. */
  U: Float64Array[];
  /** (k), descending. */
  S: Float64Array;
  /** (columns, k), as columns. */
  V: Float64Array[];
}

/** The largest r of W: (rows, columns.length). */
export function svd(columns: readonly Float64Array[], rows: number, r = Math.min(rows, columns.length)): Svd {
  if (columns.length > rows) {
    const { U, S, V } = svd(transposed([...columns], rows), columns.length, r);
    return { U: V, S, V: U };
  }
  const rotations = identity(columns.length);
  const { U, S, order } = rotated(columns, r, rotations);
  return { U, S, V: order.map((i) => rotations[i]!) };
}

/** U and S of a matrix with at least as many rows as columns, in half the time of all three. */
export function leftSvd(columns: readonly Float64Array[]): Pick<Svd, 'U' | 'S'> {
  return rotated(columns, columns.length);
}

/** Turns copies of the columns until they are orthogonal, and `rotations` alike; `order`: of the largest. */
function rotated(
  columns: readonly Float64Array[],
  r: number,
  rotations?: Float64Array[],
): Pick<Svd, 'U' | 'S'> & { order: number[] } {
  const n = columns.length;
  const turned = columns.map((column) => Float64Array.from(column));
  for (let sweep = 0, turns = 1; turns > 0 && sweep < MAX_SWEEPS; sweep++) {
    turns = 0;
    // Updated by each rotation, and made anew for each sweep: the last one, which turns nothing, has them exactly.
    const squares = Float64Array.from(turned, (column) => dot(column, column));
    for (let p = 0; p < n; p++) for (let q = p + 1; q < n; q++) if (rotate(turned, squares, rotations, p, q)) turns++;
  }
  // By now the columns are U·S, and the rotations V.
  const norms = turned.map(norm);
  const order = norms
    .map((_, i) => i)
    .sort((a, b) => norms[b]! - norms[a]!)
    .slice(0, r);
  return {
    U: order.map((i) => turned[i]!.map((x) => (norms[i]! > 0 ? x / norms[i]! : 0))),
    S: Float64Array.from(order, (i) => norms[i]!),
    order,
  };
}

function identity(n: number): Float64Array[] {
  return Array.from({ length: n }, (_, i) => Float64Array.from({ length: n }, (__, k) => Number(i === k)));
}

/** Singular values, descending, that rounding alone cannot have made; NumPy's matrix_rank has this bound. */
export function numericalRank(S: Float64Array, longerSide: number): number {
  const bound = (S[0] ?? 0) * longerSide * Number.EPSILON;
  return S.filter((value) => value > bound).length;
}

/** Makes two columns orthogonal; false where they are already. */
function rotate(
  columns: Float64Array[],
  squares: Float64Array,
  rotations: Float64Array[] | undefined,
  p: number,
  q: number,
): boolean {
  const [a, b] = [columns[p]!, columns[q]!];
  const [aa, bb, ab] = [squares[p]!, squares[q]!, dot(a, b)];
  if (Math.abs(ab) <= 1e-14 * Math.sqrt(aa * bb)) return false;
  const zeta = (bb - aa) / (2 * ab);
  const t = (zeta < 0 ? -1 : 1) / (Math.abs(zeta) + Math.sqrt(1 + zeta * zeta));
  const c = 1 / Math.sqrt(1 + t * t);
  turn(a, b, c, t);
  if (rotations) turn(rotations[p]!, rotations[q]!, c, t);
  squares[p] = Math.max(0, aa - t * ab);
  squares[q] = bb + t * ab;
  return true;
}

function turn(x: Float64Array, y: Float64Array, c: number, t: number): void {
  for (let i = 0; i < x.length; i++) {
    const [xi, yi] = [x[i]!, y[i]!];
    x[i] = c * (xi - t * yi);
    y[i] = c * (t * xi + yi);
  }
}
