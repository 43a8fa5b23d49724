/** Rows of a step among processes. */
import { describe, expect, it } from 'vitest';
import { shareOfRows } from './shareOfRows.ts';

/** A row is as long as its number. */
const lengthOf = (row: number): number => row;

const shares = (microBatches: number[][], size: number) =>
  Array.from({ length: size }, (_, rank) => shareOfRows(microBatches, { rank, size }, lengthOf));

describe('shareOfRows', () => {
  it('gives one process all', () => {
    const rows = [[3, 1], [2]];
    expect(shareOfRows(rows, { rank: 0, size: 1 }, lengthOf)).toEqual({
      own: rows,
      before: [],
      split: false,
      all: [3, 1, 2],
    });
  });

  it('deals out micro-batches whole where each process has as many', () => {
    const [first, second] = shares([[1, 2], [3], [4, 5], [6]], 2);
    expect(first).toMatchObject({ own: [[1, 2], [3]], before: [], split: false });
    expect(second).toMatchObject({ own: [[4, 5], [6]], before: [[1, 2], [3]], split: false });
  });

  it.each([
    [[[1, 2, 3, 4]], 2],
    [
      [
        [1, 2],
        [3, 4],
        [5, 6],
      ],
      2,
    ],
    [[[1], [2], [3]], 2],
    [[[1, 2, 3]], 8],
  ])('else the rows of %j among %i, each once and as many as the next process has, or one more', (rows, size) => {
    const all = shares(rows, size);
    expect(all.flatMap(({ own }) => own.flat()).sort()).toEqual(rows.flat());
    const counts = all.map(({ own }) => own.flat().length);
    expect(Math.max(...counts) - Math.min(...counts)).toBeLessThanOrEqual(1);
    for (const { own, split } of all) {
      expect(split).toBe(true);
      expect(own.every((microBatch) => microBatch.length > 0)).toBe(true);
    }
  });

  it('long rows go to different processes', () => {
    const sums = shares([[90, 1, 80, 2, 70, 3, 60, 4, 50]], 2).map(({ own }) => own.flat().reduce((a, b) => a + b));
    expect(sums).toEqual([90 + 60 + 50 + 2 + 1, 80 + 70 + 4 + 3]);
  });
});
