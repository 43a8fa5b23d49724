/** Blends of updates: TIES against NumPy's whole arrays (stored), DARE by its expectation, sums by hand. */
import { describe, expect, it } from 'vitest';
import { Random } from '../../src-shared/random.ts';
import { expectClose } from '../../test-support/checks/expectClose.ts';
import stored from '../../test-support/fixtures/lab.json' with { type: 'json' };
import { composed, dropAtRandom, keepLargest, signedMean } from './compose.ts';

const values = (...numbers: number[]): Float64Array => Float64Array.from(numbers);
const random = new Random(1);

describe('TIES', () => {
  it('is that of NumPy', () => {
    const { tasks, weights, ties } = stored.compose;
    const rule = { method: 'ties' as const, weights, density: 0.4 };
    const got = composed(
      tasks.map((task) => Float64Array.from(task)),
      rule,
      random,
    );
    expectClose(got, ties, { rtol: 1e-12, atol: 0 }, 'ties');
  });

  it('the sign with the larger sum wins, and those against it do not count', () => {
    expect([...signedMean([values(3, -1, 0, 2), values(-1, -1, 0, 4), values(1, 5, 0, -1)], [1, 1, 1])]).toEqual([
      2, 5, 0, 3,
    ]);
  });
});

it('the largest elements stay, the first ones of equal size', () => {
  const one = values(1, -5, 2, -2, 2, 0);
  keepLargest(one, 0.5);
  expect([...one]).toEqual([0, -5, 2, -2, 0, 0]);
});

it('DARE keeps the expectation, and its share', () => {
  const [draws, density] = [20_000, 0.3];
  const sums = new Float64Array(3);
  let zeros = 0;
  for (let k = 0; k < draws; k++) {
    const one = values(1, -2, 0.5);
    dropAtRandom(one, density, random);
    one.forEach((x, i) => ((sums[i] = sums[i]! + x), (zeros += Number(x === 0))));
  }
  // Four standard deviations of the mean.
  const margin = 4 * Math.sqrt((1 / density - 1) / draws);
  [1, -2, 0.5].forEach((x, i) => expect(Math.abs(sums[i]! / draws - x)).toBeLessThan(margin * Math.abs(x)));
  expect(zeros / (3 * draws)).toBeCloseTo(1 - density, 2);
});

it('a sum weighs, a magnitude blend cuts first', () => {
  const two = (): Float64Array[] => [values(1, 4), values(3, -2)];
  expect([...composed(two(), { method: 'linear', weights: [2, -1], density: 0.5 }, random)]).toEqual([-1, 10]);
  expect([...composed(two(), { method: 'magnitude', weights: [2, -1], density: 0.5 }, random)]).toEqual([-3, 8]);
});
