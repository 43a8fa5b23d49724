/** Two adapters of one base, layer by layer. */
import type { SimilarityResult } from '../../src-shared/lab.ts';
import { Random } from '../../src-shared/random.ts';
import { thinQr } from '../linalg/qr.ts';
import { leftSvd, numericalRank, svd } from '../linalg/svd.ts';
import { inner, product, transposed } from '../linalg/vectors.ts';
import { randomDirections } from './amplification.ts';
import { grassmannDistance, similarityGrid } from './similarity.ts';
import type { Update } from './update.ts';

type Pair = SimilarityResult['pairs'][number];
type Compared = Pick<Update, 'name' | 'out' | 'in' | 'lowRank' | 'decompose'>;

/** Orthonormal directions as basis·turn, which is never multiplied out. */
interface Directions {
  /** (length, n). */
  basis: Float64Array[];
  /** (n, count): singular vectors in terms of the basis, which need not be orthonormal itself. */
  turn: Float64Array[];
}

/** What an update reads from (right, of A) and writes to (left, of B), by singular values. */
interface Sides {
  a: Directions;
  b: Directions;
}

export class Similarity {
  /** By shape: chance is the same for all layers of one. */
  #byChance = new Map<string, number[][]>();

  async of(one: Compared, other: Compared): Promise<Pair> {
    const [first, second] = [await sidesOf(one), await sidesOf(other)];
    const a = similarityGrid(cosines(first.a, second.a));
    const b = similarityGrid(cosines(first.b, second.b));
    return {
      name: one.name,
      a,
      b,
      grassmannA: grassmannDistance(a),
      grassmannB: grassmannDistance(b),
      randomA: this.#chance(one.in, first.a.turn.length, second.a.turn.length),
      randomB: this.#chance(one.out, first.b.turn.length, second.b.turn.length),
    };
  }

  #chance(length: number, one: number, other: number): number[][] {
    const shape = `${length} ${one} ${other}`;
    const random = Random.stream(0, `random directions ${shape}`);
    const known = this.#byChance.get(shape);
    if (known) return known;
    const [first, second] = [one, other].map((count) => randomDirections(length, count, random));
    const grid = similarityGrid(transposed(inner(first!, second!), one));
    this.#byChance.set(shape, grid);
    return grid;
  }
}

/** LoRA's A and B are decomposed each by itself, as the paper does; of any other update dW itself is. */
async function sidesOf(update: Compared): Promise<Sides> {
  if (update.lowRank) {
    const { left, right } = update.lowRank.factors();
    return { a: leftVectors(right, update.in), b: leftVectors(left, update.out) };
  }
  const { U, S, V } = await update.decompose();
  const count = numericalRank(S, Math.max(update.in, update.out));
  const whole = (vectors: Float64Array[]): Directions => ({ basis: vectors.slice(0, count), turn: identity(count) });
  return { a: whole(V), b: whole(U) };
}

/** Smallest singular value against the largest down to which dividing by it costs no digit that is shown. */
const DIVIDED_DOWN_TO = 1e-7;

/**
 * Left singular vectors of a tall matrix; those of values that rounding alone could have made are arbitrary. They are
 * W·V·S^-1, which spares Q, which takes longest; only where W's columns nearly depend on each other it is needed.
 */
function leftVectors(columns: Float64Array[], rows: number): Directions {
  const { Q, R, n } = thinQr(columns, rows);
  const { U: right, S } = leftSvd(transposed(R, n));
  const count = numericalRank(S, rows);
  if (S[count - 1]! < DIVIDED_DOWN_TO * S[0]!) return { basis: Q(), turn: svd(R, n).U.slice(0, count) };
  return { basis: columns, turn: right.slice(0, count).map((v, k) => v.map((x) => x / S[k]!)) };
}

/** (basis1·turn1)^T·(basis2·turn2) = turn1^T·(basis1^T·basis2)·turn2, by rows. */
function cosines(one: Directions, other: Directions): Float64Array[] {
  const between = inner(one.basis, other.basis); // columns of basis1^T·basis2
  const turned = product(between, one.basis.length, other.turn);
  return transposed(inner(one.turn, turned), one.turn.length);
}

function identity(n: number): Float64Array[] {
  return Array.from({ length: n }, (_, i) => Float64Array.from({ length: n }, (__, k) => Number(i === k)));
}
