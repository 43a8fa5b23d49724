/** Order statistics against values worked out by hand. */
import { describe, expect, it } from 'vitest';
import { quantile, summarise } from './stats.ts';

describe('quantile', () => {
  it('takes the middle of an odd count and the mean of the two middles of an even one', () => {
    expect(quantile([9, 1, 5], 0.5)).toBe(5);
    expect(quantile([4, 1, 2, 3], 0.5)).toBe(2.5);
  });

  it('goes linearly between neighbours', () => {
    expect(quantile([0, 10, 20, 30, 40], 0.9)).toBeCloseTo(36, 12);
    expect(quantile([7], 0.9)).toBe(7);
  });

  it('leaves its argument in order and refuses no samples', () => {
    const samples = [3, 1, 2];
    quantile(samples, 0.5);
    expect(samples).toEqual([3, 1, 2]);
    expect(() => quantile([], 0.5)).toThrow(RangeError);
  });
});

describe('summarise', () => {
  it('gives best, median, p90 and the spread of the middle 80%', () => {
    const { count, best, median, p90, spread } = summarise([100, 110, 90, 120, 80, 100, 100, 100, 100, 100, 100]);
    expect([count, best, median]).toEqual([11, 80, 100]);
    expect(p90).toBeCloseTo(110, 12);
    expect(spread).toBeCloseTo(0.2, 12);
  });
});
