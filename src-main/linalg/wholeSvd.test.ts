/** The decomposition of large matrices against what must hold of any, and against the one by rotations. */
import { describe, expect, it } from 'vitest';
import { Random } from '../../src-shared/random.ts';
import { expectClose } from '../../test-support/checks/expectClose.ts';
import { svd } from './svd.ts';
import { columnsOf, dot, inner, norm, product, transposed } from './vectors.ts';
import { wholeSvd } from './wholeSvd.ts';

const CLOSE = { rtol: 0, atol: 1e-11 };

describe.each([
  [1, 1],
  [1, 4],
  [4, 1],
  [9, 6],
  [6, 9],
  [30, 30],
])('%i x %i', (rows, width) => {
  const random = new Random(rows + 100 * width);
  const values = random.normal(rows * width);
  const columns = columnsOf(values, rows, width);
  const whole = wholeSvd(values, rows, width);
  const n = Math.min(rows, width);

  it('all values, and factors that multiply back', () => {
    expectClose([...whole.S], [...svd(columns, rows).S], CLOSE, 'values');
    expect(whole.rank).toBe(n);
    const { U, S, V } = whole.largest(n, new Random(1));
    const scaled = U.map((column, k) => column.map((x) => x * S[k]!));
    const back = product(scaled, rows, transposed(V, width));
    back.forEach((column, j) => expectClose([...column], [...columns[j]!], CLOSE, `column ${j}`));
    for (const vectors of [U, V])
      inner(vectors, vectors).forEach((row, i) => row.forEach((x, j) => expect(x).toBeCloseTo(Number(i === j), 11)));
  });

  it('what lies along the singular vectors is all of it', () => {
    const { U, V } = whole.largest(n, new Random(1));
    for (const [vectors, along] of [
      [U, whole.alongLeft],
      [V, whole.alongRight],
    ] as const) {
      const x = Float64Array.from(random.normal(vectors[0]!.length));
      const [products] = along([x]);
      expectClose(
        [...products!].map(Math.abs),
        vectors.map((one) => Math.abs(dot(one, x))),
        CLOSE,
        'products',
      );
      if (vectors.length === x.length) expect(norm(products!)).toBeCloseTo(norm(x), 10);
    }
  });
});

it('a matrix of rank 3 has rank 3, one of zeros none, equal values find a basis', () => {
  const random = new Random(5);
  const [left, right] = [random.normal(20 * 3), random.normal(3 * 12)];
  const values = Float64Array.from({ length: 240 }, (_, at) =>
    [0, 1, 2].reduce((sum, k) => sum + left[Math.floor(at / 12) * 3 + k]! * right[k * 12 + (at % 12)]!, 0),
  );
  expect(wholeSvd(values, 20, 12).rank).toBe(3);
  const none = wholeSvd(new Float64Array(12), 4, 3);
  expect([none.rank, ...none.S]).toEqual([0, 0, 0, 0]);
  expect(none.largest(2, random).U).toEqual([]);
  const identity = wholeSvd(
    Float64Array.from({ length: 25 }, (_, at) => Number(at % 6 === 0)),
    5,
    5,
  );
  expectClose([...identity.S], [1, 1, 1, 1, 1], CLOSE, 'values');
  const { U } = identity.largest(5, random);
  inner(U, U).forEach((row, i) => row.forEach((x, j) => expect(x).toBeCloseTo(Number(i === j), 12)));
});
