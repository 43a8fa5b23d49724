import { expect, test } from 'vitest';
import { lossColumns } from './lossSeries.ts';
import { smooth } from './smooth.ts';

test('a constant series stays itself under smoothing', () => {
  for (const value of smooth([3, 3, 3, 3], 0.9)) expect(value).toBeCloseTo(3, 12);
});

test('smoothing equals the weighted mean of everything so far', () => {
  const values = [4, 1, 7];
  const beta = 0.5;
  // Weights of x1, x2, x3 in the last value: b^2, b, 1, normalised to sum 1.
  const want = (4 * 0.25 + 1 * 0.5 + 7 * 1) / 1.75;
  expect(smooth(values, beta)[2]).toBeCloseTo(want, 12);
});

test('validation at a step without a train loss gets its own row, in order', () => {
  const [steps, train, smoothed, validation] = lossColumns(
    [{ step: 1, loss: 5 }, { step: 2, loss: 4 }],
    [{ step: 0, valLoss: 6 }, { step: 2, valLoss: 3 }],
    0.9,
  );
  expect(steps).toEqual([0, 1, 2]);
  expect(train).toEqual([null, 5, 4]);
  expect(smoothed[0]).toBeNull();
  expect(smoothed[1]).toBeCloseTo(5, 12);
  expect(validation).toEqual([6, null, 3]);
});
