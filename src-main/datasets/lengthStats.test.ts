import { describe, expect, it } from 'vitest';
import { lengthStats } from './lengthStats.ts';

const row = (fullLength: number, maxLength = 1000) => ({
  ids: new Int32Array(Math.min(fullLength, maxLength)),
  labelled: 2,
  fullLength,
  truncated: fullLength > maxLength,
});

describe('lengthStats', () => {
  it('counts lengths before truncation and tokens after it', () => {
    const stats = lengthStats(Array.from({ length: 100 }, (_, i) => row(100 - i, 90)));
    expect(stats).toMatchObject({
      rows: 100,
      min: 1,
      median: 50,
      mean: 50.5,
      p90: 90,
      p95: 95,
      max: 100,
      truncated: 10,
    });
    expect(stats.tokens).toBe((90 * 91) / 2 + 10 * 90);
    expect(stats.labelledTokens).toBe(200);
    expect(stats.histogram).toHaveLength(20);
    expect(stats.histogram.map((bucket) => bucket.rows)).toEqual(Array(20).fill(5));
    expect(stats.histogram[1]).toEqual({ from: 6, to: 10, rows: 5 });
  });

  it('holds for one row, equal rows and none', () => {
    expect(lengthStats([row(7)])).toMatchObject({
      min: 7,
      median: 7,
      max: 7,
      histogram: [{ from: 7, to: 7, rows: 1 }],
    });
    expect(lengthStats([row(7), row(7)]).histogram).toEqual([{ from: 7, to: 7, rows: 2 }]);
    expect(lengthStats([])).toMatchObject({ rows: 0, tokens: 0, mean: 0, max: 0, histogram: [] });
  });
});
