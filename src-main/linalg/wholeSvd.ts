/**
 * All singular values of a large matrix in float64, its first singular vectors, and how other vectors lie to ALL of
 * its singular vectors, without making these: they are eigenvectors of a tridiagonal matrix (Golub & Kahan 1965), whose
 * rotations turn the few vectors that are asked about. 8/3·n^3 operations for n x n.
 */
import type { Random } from '../../src-shared/random.ts';
import { bidiagonal } from './bidiagonal.ts';
import { numericalRank, type Svd } from './svd.ts';
import { eigenvalues, eigenvectors } from './tridiagonal.ts';
import { columnsOf } from './vectors.ts';

export interface WholeSvd {
  /** All, descending. */
  S: Float64Array;
  /** Singular values that rounding alone cannot have made, as NumPy's matrix_rank counts them. */
  rank: number;
  /** The `count` largest, at most `rank`. */
  largest(count: number, random: Random): Svd;
  /** Products of each vector with the first `rank` left singular vectors, or right ones; (rows) or (width) each. */
  alongLeft(vectors: Float64Array[]): Float64Array[];
  alongRight(vectors: Float64Array[]): Float64Array[];
}

/** values: (rows, width), row by row. */
export function wholeSvd(values: ArrayLike<number>, rows: number, width: number): WholeSvd {
  return rows >= width
    ? tall(columnsOf(values, rows, width), rows)
    : flipped(tall(columnsOf(turned(values, rows, width), width, rows), width));
}

function turned(values: ArrayLike<number>, rows: number, width: number): Float64Array {
  return Float64Array.from({ length: rows * width }, (_, k) => values[(k % rows) * width + Math.floor(k / rows)]!);
}

function flipped({ S, rank, largest, alongLeft, alongRight }: WholeSvd): WholeSvd {
  return {
    S,
    rank,
    largest: (count, random) => {
      const { U, V, S: values } = largest(count, random);
      return { U: V, S: values, V: U };
    },
    alongLeft: alongRight,
    alongRight: alongLeft,
  };
}

function tall(columns: Float64Array[], rows: number): WholeSvd {
  const n = columns.length;
  const B = bidiagonal(columns, rows);
  // [0 B; B^T 0] with its rows in the order v_1, u_1, v_2, u_2, …: eigenvalues ±s, vectors (v, u) / sqrt(2).
  const beside = new Float64Array(2 * n - 1);
  B.diagonal.forEach((x, i) => (beside[2 * i] = x));
  B.above.forEach((x, i) => (beside[2 * i + 1] = x));
  const S = eigenvalues(beside).sort().reverse().slice(0, n);
  const rank = numericalRank(S, rows);
  const along = (within: Float64Array[], side: 0 | 1): Float64Array[] => {
    const spread = within.map((x) => Float64Array.from({ length: 2 * n }, (_, i) => (i % 2 === side ? x[i >> 1]! : 0)));
    const found = eigenvalues(beside, spread);
    const order = [...found.keys()].sort((a, b) => found[b]! - found[a]!).slice(0, rank);
    return spread.map((products) => Float64Array.from(order, (i) => Math.SQRT2 * products[i]!));
  };
  return {
    S,
    rank,
    largest: (count, random) => {
      const values = S.slice(0, Math.min(count, rank));
      const pairs = eigenvectors(beside, values, random);
      const part = (z: Float64Array, side: 0 | 1): Float64Array =>
        Float64Array.from({ length: n }, (_, i) => Math.SQRT2 * z[2 * i + side]!);
      return {
        U: pairs.map((z) => B.fromLeft(part(z, 1))),
        S: values,
        V: pairs.map((z) => B.fromRight(part(z, 0))),
      };
    },
    alongLeft: (vectors) => along(vectors.map(B.intoLeft), 1),
    alongRight: (vectors) => along(vectors.map(B.intoRight), 0),
  };
}
