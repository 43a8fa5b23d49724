/** Curves whose exponent is known. */
import { expect, it } from 'vitest';
import { growthExponent } from './growthExponent.ts';

it('finds the power of an exact curve, whatever its constant', () => {
  expect(growthExponent([1, 2, 4, 8], [5, 20, 80, 320])).toBeCloseTo(2, 12);
  expect(growthExponent([64, 128, 256], [3, 3, 3])).toBeCloseTo(0, 12);
});

it('lies between the powers of a sum', () => {
  const xs = [1, 2, 4, 8, 16];
  const p = growthExponent(
    xs,
    xs.map((x) => x + x * x),
  );
  expect(p).toBeGreaterThan(1.3);
  expect(p).toBeLessThan(1.9);
});
