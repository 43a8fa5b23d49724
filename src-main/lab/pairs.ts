/** Two adapters of one base, layer by layer. */
import type { SimilarityResult } from '../../src-shared/lab.ts';
import { Random } from '../../src-shared/random.ts';
import { thinQr } from '../linalg/qr.ts';
import { svd } from '../linalg/svd.ts';
import { product } from '../linalg/vectors.ts';
import { randomDirections } from './amplification.ts';
import { grassmannDistance, similarityGrid } from './similarity.ts';
import type { Update } from './update.ts';

type Pair = SimilarityResult['pairs'][number];

/** Directions that an update reads from (right, of A) and writes to (left, of B), by their singular values. */
interface Directions {
  a: Float64Array[];
  b: Float64Array[];
}

export async function similarityOf(one: Update, other: Update): Promise<Pair> {
  const [first, second] = [await directionsOf(one), await directionsOf(other)];
  const a = similarityGrid(first.a, second.a);
  const b = similarityGrid(first.b, second.b);
  return {
    name: one.name,
    a,
    b,
    grassmannA: grassmannDistance(a),
    grassmannB: grassmannDistance(b),
    randomA: randomGrid(one.in, first.a.length, second.a.length),
    randomB: randomGrid(one.out, first.b.length, second.b.length),
  };
}

/** LoRA's A and B are decomposed each by itself, as the paper does; of any other update dW itself is. */
async function directionsOf(update: Update): Promise<Directions> {
  if (!update.lowRank) {
    const { U, S, V } = await update.decompose();
    const count = realValues(S, Math.max(update.in, update.out));
    return { a: V.slice(0, count), b: U.slice(0, count) };
  }
  const { left, right } = update.lowRank.factors();
  return { a: leftVectors(right, update.in), b: leftVectors(left, update.out) };
}

/** Left singular vectors of a tall matrix, as far as its values are not zero but for rounding. */
function leftVectors(columns: Float64Array[], rows: number): Float64Array[] {
  const { Q, R } = thinQr(columns, rows);
  const { U, S } = svd(R, Q.length);
  return product(Q, rows, U.slice(0, realValues(S, rows)));
}

/** Directions of values that rounding alone could have made would be arbitrary (NumPy's matrix_rank has the same bound). */
function realValues(S: Float64Array, longerSide: number): number {
  return S.filter((value) => value > S[0]! * longerSide * Number.EPSILON).length;
}

function randomGrid(length: number, one: number, other: number): number[][] {
  const random = Random.stream(0, `random directions ${length} ${one} ${other}`);
  return similarityGrid(randomDirections(length, one, random), randomDirections(length, other, random));
}
