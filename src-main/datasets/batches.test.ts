import { describe, expect, it } from 'vitest';
import { collate, epochOrder, rowsOfStep, stepsForEpochs } from './batches.ts';

describe('rowsOfStep', () => {
  it('shows every row once per epoch, over the ends of epochs, in the shape asked for', () => {
    const [rows, batch, accumulate] = [10, 3, 2];
    // 30 rows: three epochs
    const steps = Array.from({ length: 5 }, (_, i) => rowsOfStep(rows, batch, accumulate, 7, i + 1));
    for (const step of steps) expect(step.map((micro) => micro.length)).toEqual([3, 3]);
    const seen = steps.flat(2);
    for (const epoch of [0, 1, 2]) {
      const part = seen.slice(epoch * rows, (epoch + 1) * rows);
      expect(part).toEqual(epochOrder(rows, 7, epoch));
      expect(part.toSorted((a, b) => a - b)).toEqual([...Array(rows).keys()]);
    }
  });

  it('depends on seed and step only, and differs between epochs and seeds', () => {
    const alone = rowsOfStep(100, 4, 1, 3, 40);
    for (let step = 1; step < 40; step++) rowsOfStep(100, 4, 1, 3, step);
    expect(rowsOfStep(100, 4, 1, 3, 40)).toEqual(alone);
    expect(epochOrder(100, 3, 0)).not.toEqual(epochOrder(100, 3, 1));
    expect(epochOrder(100, 3, 0)).not.toEqual(epochOrder(100, 4, 0));
    // Accumulation regroups the same rows: 2 x 2 is one batch of 4.
    expect(rowsOfStep(100, 2, 2, 3, 40).flat()).toEqual(alone.flat());
  });

  it('repeats rows where a step is larger than the dataset', () => {
    const rows = rowsOfStep(2, 5, 1, 0, 1)[0]!;
    expect(rows.filter((row) => row === 0).length + rows.filter((row) => row === 1).length).toBe(5);
    expect(new Set(rows.slice(0, 2)).size).toBe(2);
  });

  it('refuses step 0 and empty datasets', () => {
    expect(() => rowsOfStep(10, 2, 1, 0, 0)).toThrow(RangeError);
    expect(() => rowsOfStep(0, 2, 1, 0, 1)).toThrow(RangeError);
  });
});

it('stepsForEpochs covers every row', () => {
  expect(stepsForEpochs(10, 3, 1, 1)).toBe(4);
  expect(stepsForEpochs(12, 3, 2, 3)).toBe(6);
  expect(stepsForEpochs(100, 4, 1, 0.5)).toBe(13);
  expect(stepsForEpochs(1, 8, 4, 0.1)).toBe(1);
});

describe('collate', () => {
  const rows = [[5], [1, 2, 3], [7, 8]].map((ids) => ({
    ids: Int32Array.from(ids),
    labels: Int32Array.from([-100, ...ids.slice(1)]),
  }));

  it('pads on the right to the longest of the chosen rows', () => {
    expect(collate(rows, [2, 1], 9)).toEqual({
      ids: Int32Array.of(7, 8, 9, 1, 2, 3),
      labels: Int32Array.of(-100, 8, -100, -100, 2, 3),
      mask: Int32Array.of(1, 1, 0, 1, 1, 1),
      B: 2,
      T: 3,
    });
    expect(collate(rows, [0, 2], 9)).toMatchObject({ B: 2, T: 2 });
  });

  it('refuses a row that does not exist', () => {
    expect(() => collate(rows, [3], 0)).toThrow(RangeError);
  });
});
