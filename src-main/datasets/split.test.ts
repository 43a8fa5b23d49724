import { describe, expect, it } from 'vitest';
import { splitExamples } from './split.ts';

const rows = (groups: number[]) => groups.map((group, line) => ({ group, line }));
const lines = (examples: { line: number }[]) => examples.map((example) => example.line);
const distinct = (count: number) => rows([...Array(count).keys()]);

describe('splitExamples', () => {
  it('gives the wanted share, every row once, in file order, the same for the same seed', () => {
    const all = distinct(200);
    const { train, val } = splitExamples(all, 0.05, 11);
    expect(val).toHaveLength(10);
    expect([...lines(train), ...lines(val)].sort((a, b) => a - b)).toEqual(lines(all));
    expect(lines(val)).toEqual(lines(val).toSorted((a, b) => a - b));
    expect(lines(splitExamples(all, 0.05, 11).val)).toEqual(lines(val));
    expect(lines(splitExamples(all, 0.05, 12).val)).not.toEqual(lines(val));
  });

  it.each([1, 2, 3, 4, 5])('keeps every prompt on one side (seed %i)', (seed) => {
    const all = rows(Array.from({ length: 300 }, (_, i) => Math.floor(i / 6)));
    const { train, val } = splitExamples(all, 0.1, seed);
    expect(val).toHaveLength(30);
    const inTrain = new Set(train.map((row) => row.group));
    expect(val.filter((row) => inTrain.has(row.group))).toEqual([]);
  });

  it('keeps one validation row, and always something to train on', () => {
    expect(splitExamples(distinct(2), 0.01, 0).val).toHaveLength(1);
    expect(splitExamples(distinct(2), 0.9, 0)).toMatchObject({ train: { length: 1 }, val: { length: 1 } });
    expect(splitExamples(distinct(1), 0.5, 0)).toMatchObject({ train: { length: 1 }, val: { length: 0 } });
    expect(splitExamples(distinct(9), 0, 0)).toMatchObject({ train: { length: 9 }, val: { length: 0 } });
    expect(splitExamples([], 0.5, 0)).toEqual({ train: [], val: [] });
  });

  it('splits row by row where the prompts are too few', () => {
    const one = splitExamples(rows(Array<number>(100).fill(0)), 0.05, 0);
    expect([one.train.length, one.val.length]).toEqual([95, 5]);
    const two = splitExamples(rows(Array.from({ length: 100 }, (_, i) => i % 2)), 0.05, 0);
    expect([two.train.length, two.val.length]).toEqual([95, 5]);
  });

  it('splits as runs of earlier versions were split', () => {
    const mixed = rows(Array.from({ length: 60 }, (_, i) => (i < 20 ? i : (i * 7) % 20)));
    expect(lines(splitExamples(mixed, 0.2, 3).val)).toEqual([6, 8, 11, 18, 24, 33, 34, 38, 44, 53, 54, 58]);
    expect(lines(splitExamples(mixed, 0.02, 4).val)).toEqual([52]);
    expect(lines(splitExamples(rows(Array<number>(60).fill(0)), 0.1, 5).val)).toEqual([8, 36, 42, 50, 51, 58]);
    expect(lines(splitExamples(distinct(9000), 0.001, 6).val)).toEqual([
      1502, 2031, 3145, 3444, 3642, 4239, 5131, 6124, 7460,
    ]);
  });

  it('takes a group slightly too large rather than none', () => {
    const { val } = splitExamples(rows([0, 0, 1, 1, 2, 2, 3, 3]), 0.1, 0);
    expect(val).toHaveLength(2);
    expect(val[0]!.group).toBe(val[1]!.group);
  });
});
