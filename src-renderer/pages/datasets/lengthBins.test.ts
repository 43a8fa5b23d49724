import { describe, expect, it } from 'vitest';
import { lengthBins, lengthSummary } from './lengthBins.ts';

const LENGTHS: [number, number][] = [
  [3, 5],
  [10, 1],
  [40, 3],
  [399, 1],
];

describe('length bins', () => {
  it('hold every row once, in bars of equal round width', () => {
    const bins = lengthBins(LENGTHS);
    expect(bins.reduce((sum, bin) => sum + bin.rows, 0)).toBe(10);
    expect(new Set(bins.map(({ from, to }) => to - from))).toEqual(new Set([10]));
    expect(bins[0]).toEqual({ from: 0, to: 10, rows: 5 });
    expect(bins.at(-1)).toEqual({ from: 390, to: 400, rows: 1 });
    expect(lengthBins([])).toEqual([]);
    expect(lengthBins([[0, 2]])).toEqual([{ from: 0, to: 1, rows: 2 }]);
  });

  it('the summary says what a maximum length cuts', () => {
    expect(
      lengthSummary(
        LENGTHS,
        [
          [2, 6],
          [39, 3],
          [40, 1],
        ],
        40,
      ),
    ).toEqual({ rows: 10, median: 3, p95: 399, longest: 399, cut: 1, unlabelled: 1 });
    expect(lengthSummary(LENGTHS, [], 399).cut).toBe(0);
  });
});
