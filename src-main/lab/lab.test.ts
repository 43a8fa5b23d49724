/** The lab's mathematics against NumPy's on small matrices (stored), and by what must hold for any. */
import { describe, expect, it } from 'vitest';
import { Random } from '../../src-shared/random.ts';
import { expectClose } from '../../test-support/checks/expectClose.ts';
import stored from '../../test-support/fixtures/lab.json' with { type: 'json' };
import { thinQr } from '../linalg/qr.ts';
import { svd } from '../linalg/svd.ts';
import { columnsOf, inner, product, transposed } from '../linalg/vectors.ts';
import { randomDirections } from './amplification.ts';
import { intrudersOf } from './intruders.ts';
import { Similarity } from './pairs.ts';
import { grassmannDistance, similarityGrid } from './similarity.ts';
import { effectiveRank, spectrumOf } from './spectrum.ts';
import { denseSvd, productSvd } from './update.ts';

const TIGHT = { rtol: 1e-10, atol: 1e-12 };
const columns = (rows: number[][]): Float64Array[] => columnsOf(rows.flat(), rows.length, rows[0]!.length);
const rowsOf = (rows: number[][]): Float64Array[] => rows.map((row) => Float64Array.from(row));
const gaussian = (random: Random, rows: number, count: number): Float64Array[] =>
  Array.from({ length: count }, () => Float64Array.from(random.normal(rows)));

describe('stored figures of NumPy', () => {
  const left = columns(stored.B).map((column) => column.map((x) => x * stored.scale));
  const right = rowsOf(stored.A);

  it('spectrum by the thin route and of the whole product', async () => {
    const whole = product(left, 8, transposed(right, 12)).flatMap((column) => [...column]);
    const W = Float64Array.from(whole, (_, i) => whole[(i % 12) * 8 + Math.floor(i / 12)]!); // (8, 12), row by row
    for (const S of [productSvd({ left, right }, 8, 12).S, (await denseSvd(W, 8, 12, '')).S.slice(0, 3)]) {
      const got = spectrumOf(
        S,
        S.reduce((sum, value) => sum + value ** 2, 0),
      );
      expectClose(got.singularValues, stored.spectrum.singularValues, TIGHT, 'singular values');
      expectClose(got.energy, stored.spectrum.energy, TIGHT, 'energy');
      expectClose([got.effectiveRank], [stored.spectrum.effectiveRank], TIGHT, 'effective rank');
      expectClose([got.stableRank], [stored.spectrum.stableRank], TIGHT, 'stable rank');
    }
  });

  it('similarity and distance of A and of B', () => {
    const directions = (tall: Float64Array[], rows: number): Float64Array[] => {
      const { Q, R, n } = thinQr(tall, rows);
      return product(Q(), rows, svd(R, n).U);
    };
    const a = gridOf(directions(right, 12), directions(rowsOf(stored.otherA), 12));
    const b = gridOf(directions(columns(stored.B), 8), directions(columns(stored.otherB), 8));
    expectClose(a.flat(), stored.similarity.a.flat(), TIGHT, 'A');
    expectClose(b.flat(), stored.similarity.b.flat(), TIGHT, 'B');
    expectClose(
      [grassmannDistance(a)!, grassmannDistance(b)!],
      [stored.similarity.grassmannA, stored.similarity.grassmannB],
      TIGHT,
      'distances',
    );
  });
});

it('intruders are those of NumPy, stored', () => {
  const { W, A, B, scale, intruders } = stored;
  const tuned = {
    name: '',
    out: 8,
    in: 12,
    weightRows: () => Float64Array.from(W.flat()),
    dense: () =>
      Float64Array.from({ length: 96 }, (_, at) =>
        B[Math.floor(at / 12)]!.reduce((sum, b, k) => sum + scale * b * A[k]![at % 12]!, 0),
      ),
  };
  const { looked, intruders: found } = intrudersOf(tuned, 5, 0.75);
  expect(looked).toBe(intruders.looked);
  expect(found.map(({ index }) => index)).toEqual(intruders.intruders.map(({ index }) => index));
  for (const [i, { singularValue, cosine }] of found.entries()) {
    const want = intruders.intruders[i]!;
    expectClose([singularValue, cosine], [want.singularValue, want.cosine], TIGHT, `intruder ${i}`);
  }
});

describe('decompositions of random matrices', () => {
  it.each([
    [1, 1],
    [7, 3],
    [3, 7],
    [40, 40],
    [200, 9],
  ])('%i x %i: factors multiply back, and are orthonormal', (rows, count) => {
    const W = gaussian(new Random(rows), rows, count);
    const { R, ...qr } = thinQr(W, rows);
    const Q = qr.Q();
    const { U, S, V } = svd(W, rows);
    expectClose(flat(product(Q, rows, R)), flat(W), { rtol: 0, atol: 1e-12 }, 'QR');
    const scaled = U.map((column, k) => column.map((x) => x * S[k]!));
    expectClose(flat(product(scaled, rows, transposed(V, count))), flat(W), { rtol: 0, atol: 1e-12 }, 'USV');
    for (const vectors of [Q, U, V]) expectOrthonormal(vectors);
    expect([...S]).toEqual([...S].sort((x, y) => y - x));
  });

  it('columns that depend on others, and zero ones, have zero values', () => {
    const [a, b] = gaussian(new Random(3), 30, 2) as [Float64Array, Float64Array];
    const W = [a, b, a.map((x, i) => x - 2 * b[i]!), new Float64Array(30)];
    const { Q, R } = thinQr(W, 30);
    expectClose(flat(product(Q(), 30, R)), flat(W), { rtol: 0, atol: 1e-12 }, 'QR');
    const { S } = productSvd({ left: W, right: gaussian(new Random(4), 20, 4) }, 30, 20);
    expect(S[1]).toBeGreaterThan(0.1);
    expect(S[2]).toBeLessThan(1e-12);
    expect(spectrumOf(new Float64Array(4), 0)).toEqual({
      singularValues: [0, 0, 0, 0],
      effectiveRank: 0,
      stableRank: 0,
      energy: [0, 0, 0, 0],
    });
  });

  it('small values keep their digits: 1e-9 beside 1', () => {
    const U = randomDirections(50, 3, new Random(5));
    const V = randomDirections(40, 3, new Random(6));
    const values = [1, 1e-4, 1e-9];
    const left = U.map((column, k) => column.map((x) => x * values[k]!));
    expectClose([...productSvd({ left, right: V }, 50, 40).S], values, { rtol: 1e-6, atol: 0 }, 'values');
  });
});

describe('what must hold for any', () => {
  it('effective rank: equal values count, one alone is 1', () => {
    expect(effectiveRank([2, 2, 2, 0])).toBeCloseTo(3, 12);
    expect(effectiveRank([5, 0])).toBeCloseTo(1, 12);
  });

  it.each([1, 2, 3, 4, 5])('phi and the distance, case %i', (seed) => {
    const random = new Random(seed);
    const [A, B, C] = [0, 1, 2].map(() => randomDirections(20, 4, random)) as [Columns, Columns, Columns];
    const grid = gridOf(A, B);
    for (const value of grid.flat()) {
      expect(value).toBeGreaterThanOrEqual(0);
      expect(value).toBeLessThanOrEqual(1);
    }
    // The first i directions lie within the first j, or the other way round.
    for (const value of gridOf(A, A).flat()) expect(value).toBeCloseTo(1, 10);
    gridOf(B, A).forEach((row, j) => row.forEach((value, i) => expect(value).toBeCloseTo(grid[i]![j]!, 12)));
    const distance = (x: Columns, y: Columns): number => grassmannDistance(gridOf(x, y))!;
    expect(distance(A, A)).toBeLessThan(1e-7);
    expect(distance(A, B)).toBeGreaterThan(0.1);
    expect(distance(A, B)).toBeCloseTo(distance(B, A), 12);
    expect(distance(A, C)).toBeLessThanOrEqual(distance(A, B) + distance(B, C) + 1e-12);
    // Another basis of the same space is the same space.
    expect(distance(A, product(A, 20, randomDirections(4, 4, random)))).toBeLessThan(1e-6);
  });

  it.each([1e-4, 1e-9])('directions of small values, %f beside 1, keep their digits', async (small) => {
    const random = new Random(8);
    const sides = [0, 1].map(() => {
      const [U, V] = [randomDirections(30, 3, random), randomDirections(20, 3, random)];
      const scaled = (vectors: Columns): Columns =>
        vectors.map((vector, k) => vector.map((x) => x * [1, 0.1, small][k]!));
      return { U, V, left: scaled(U), right: scaled(V) };
    });
    const [one, other] = sides.map(({ left, right }): Parameters<Similarity['of']>[0] => ({
      name: '',
      out: 30,
      in: 20,
      lowRank: { rank: 3, scale: 1, factors: () => ({ left, right }) },
      decompose: () => Promise.reject(new Error('not asked for')),
    }));
    const { a, b } = await new Similarity().of(one!, other!);
    expectClose(b.flat(), gridOf(sides[0]!.U, sides[1]!.U).flat(), { rtol: 1e-6, atol: 1e-9 }, 'b');
    expectClose(a.flat(), gridOf(sides[0]!.V, sides[1]!.V).flat(), { rtol: 1e-6, atol: 1e-9 }, 'a');
  });

  it('A -> QA with Q orthogonal changes no direction of A', () => {
    const random = new Random(9);
    const A = gaussian(random, 30, 4); // rows of A
    const turned = product(A, 30, randomDirections(4, 4, random));
    const [one, other] = [A, turned].map((tall) => {
      const { Q, R } = thinQr(tall, 30);
      return product(Q(), 30, svd(R, 4).U);
    }) as [Columns, Columns];
    const grid = gridOf(one, other);
    for (let i = 0; i < 4; i++) expect(grid[i]![i]).toBeCloseTo(1, 10);
  });

  it('random subspaces share max(i, j)/d on average', () => {
    const random = new Random(11);
    const draws = 200;
    let sum = 0;
    for (let k = 0; k < draws; k++)
      sum += gridOf(randomDirections(16, 2, random), randomDirections(16, 4, random))[1]![3]!;
    expect(sum / draws).toBeCloseTo(4 / 16, 1);
  });
});

type Columns = Float64Array[];

function gridOf(one: Columns, other: Columns): number[][] {
  return similarityGrid(transposed(inner(one, other), one.length));
}

function flat(vectors: Float64Array[]): number[] {
  return vectors.flatMap((vector) => [...vector]);
}

function expectOrthonormal(vectors: Float64Array[]): void {
  inner(vectors, vectors).forEach((row, i) =>
    row.forEach((value, j) => expect(value).toBeCloseTo(i === j ? 1 : 0, 11)),
  );
}
