import { describe, expect, it } from 'vitest';
import { Random } from '../../src-shared/random.ts';
import { pairedBootstrap, statisticsOf, type ScoreOf } from './bootstrap.ts';

const mean: ScoreOf = (sums, rows) => sums[0]! / rows;
const single = (values: readonly number[]) => statisticsOf(values.map((value) => [value]));

describe('the paired bootstrap', () => {
  it('covers the true difference in 95 % of cases, of paired rows that are right or wrong', () => {
    // The first is right in 60 % of rows. Where it is right the second is so in 90 %, else in 40 %: 70 % in all.
    const truth = 0.6 * 0.9 + 0.4 * 0.4 - 0.6;
    const cases = 1500;
    const rows = 150;
    const random = new Random(11);
    let covered = 0;
    for (let one = 0; one < cases; one++) {
      const first = Array.from({ length: rows }, () => Number(random.uniform() < 0.6));
      const second = first.map((right) => Number(random.uniform() < (right ? 0.9 : 0.4)));
      const { low, high } = pairedBootstrap(single(first), single(second), mean, { seed: one, resamples: 400 });
      if (low! <= truth && truth <= high!) covered++;
    }
    expect(covered / cases).toBeGreaterThan(0.93);
    expect(covered / cases).toBeLessThan(0.97);
  });

  it('covers a difference of ratios, as of losses per token', () => {
    // Losses per token of 2 and 1.8 in rows of 5 to 25 tokens, noise shared by both.
    const ratio: ScoreOf = (sums) => sums[0]! / sums[1]!;
    const random = new Random(5);
    const cases = 1000;
    let covered = 0;
    for (let one = 0; one < cases; one++) {
      const tokens = Array.from({ length: 120 }, () => 5 + random.integer(21));
      const [shared, a, b] = [0.5, 0.3, 0.3].map((std) => random.normal(120, std)) as [
        Float32Array,
        Float32Array,
        Float32Array,
      ];
      const rowsOf = (level: number, own: Float32Array) =>
        statisticsOf(tokens.map((count, i) => [count * (level + shared[i]! + own[i]!), count]));
      const { low, high } = pairedBootstrap(rowsOf(2, a), rowsOf(1.8, b), ratio, { seed: one, resamples: 400 });
      if (low! <= -0.2 && -0.2 <= high!) covered++;
    }
    expect(covered / cases).toBeGreaterThan(0.93);
    expect(covered / cases).toBeLessThan(0.97);
  });

  it('is the same for the same seed, and other for another', () => {
    const [first, second] = [single([1, 0, 0, 1, 0, 1]), single([1, 1, 0, 1, 1, 0])];
    const once = pairedBootstrap(first, second, mean, { seed: 3 });
    expect(pairedBootstrap(first, second, mean, { seed: 3 })).toEqual(once);
    expect(once.value).toBeCloseTo(1 / 6, 12);
    const others = [4, 5, 6].map((seed) => pairedBootstrap(first, second, mean, { seed, resamples: 51 }));
    expect(new Set(others.map(({ low, high }) => `${low} ${high}`)).size).toBeGreaterThan(1);
  });

  it('of a subject beside itself is 0 without width, since both are drawn together', () => {
    const rows = single([0, 1, 1, 0, 5]);
    expect(pairedBootstrap(rows, rows, mean)).toEqual({ value: 0, low: 0, high: 0 });
  });

  it('has no interval for one row, and refuses rows that do not belong together', () => {
    expect(pairedBootstrap(single([1]), single([3]), mean)).toEqual({ value: 2, low: null, high: null });
    expect(() => pairedBootstrap(single([1]), single([3, 4]), mean)).toThrow(/1 rows beside 2/);
  });
});
