/**
 * Thin QR decomposition by Cholesky decompositions of Gram matrices, twice, which is as exact as Householder's as long
 * as no column nearly depends on those before it (Yamamoto et al. 2015, CholeskyQR2), and takes half as long. Rows are
 * taken a piece at a time, which stays in the processor's cache.
 */
import { addCombined, addScaled, dot, inner, product } from './vectors.ts';

/** Least share of a column's square that those before it may leave. */
const INDEPENDENT = 1e-10;

const ROWS_AT_A_TIME = 256;

interface CholeskyQr {
  n: number;
  R: Float64Array[];
  Q(): Float64Array[];
}

/** As thinQr; null for columns that depend on others, or are more than the rows. */
export function choleskyQr(columns: readonly Float64Array[], rows: number): CholeskyQr | null {
  const n = columns.length;
  if (n > rows) return null;
  const first = cholesky(gram(n, pieces(columns, rows)));
  const second = first && cholesky(gram(n, dividedPieces(columns, rows, first)));
  if (!second) return null;
  const R = product(second, n, first);
  return { n, R, Q: () => divided(divided(copied(columns), first), second) };
}

function* pieces(columns: readonly Float64Array[], rows: number): Generator<Float64Array[]> {
  for (let start = 0; start < rows; start += ROWS_AT_A_TIME)
    yield columns.map((column) => column.subarray(start, start + ROWS_AT_A_TIME));
}

/** Pieces of W·R^-1, each in place of the one before. */
function* dividedPieces(columns: readonly Float64Array[], rows: number, R: Float64Array[]): Generator<Float64Array[]> {
  const space = columns.map(() => new Float64Array(Math.min(rows, ROWS_AT_A_TIME)));
  for (const piece of pieces(columns, rows))
    yield divided(
      piece.map((values, j) => {
        const copy = space[j]!.subarray(0, values.length);
        copy.set(values);
        return copy;
      }),
      R,
    );
}

/** Columns of W^T·W down to the diagonal; W comes in pieces of its rows. */
function gram(n: number, all: Iterable<Float64Array[]>): Float64Array[] {
  const G = Array.from({ length: n }, (_, j) => new Float64Array(j + 1));
  for (const columns of all)
    columns.forEach((column, j) => addScaled(G[j]!, inner(columns.slice(0, j + 1), [column])[0]!, 1));
  return G;
}

/** R with R^T·R = G, as whole columns; null where a column depends on others. */
function cholesky(G: Float64Array[]): Float64Array[] | null {
  const R: Float64Array[] = [];
  for (const [j, g] of G.entries()) {
    const column = new Float64Array(G.length);
    for (let i = 0; i < j; i++) column[i] = (g[i]! - dot(R[i]!.subarray(0, i), column.subarray(0, i))) / R[i]![i]!;
    const left = g[j]! - dot(column, column);
    if (!(left > INDEPENDENT * g[j]!)) return null;
    column[j] = Math.sqrt(left);
    R.push(column);
  }
  return R;
}

/** W·R^-1 in place of W. */
function divided(columns: Float64Array[], R: Float64Array[]): Float64Array[] {
  for (const [j, column] of columns.entries()) {
    addCombined(
      column,
      columns,
      R[j]!.subarray(0, j).map((x) => -x),
    );
    const factor = 1 / R[j]![j]!;
    for (let i = 0; i < column.length; i++) column[i] = column[i]! * factor;
  }
  return columns;
}

function copied(columns: readonly Float64Array[]): Float64Array[] {
  return columns.map((column) => column.slice());
}
