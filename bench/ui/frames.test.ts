import { expect, test } from 'vitest';
import { summary } from './frames.ts';

test('a hundred frames of 16 ms and one of 80 are one jank', () => {
  const frames = summary([...Array<number>(99).fill(16), 80], [61]);
  expect(frames).toEqual({ count: 100, medianMs: 16, p99Ms: 80, longestMs: 80, janks: 1, longestTaskMs: 61 });
});

test('nothing seen is nothing', () => {
  expect(summary([], [])).toEqual({ count: 0, medianMs: 0, p99Ms: 0, longestMs: 0, janks: 0, longestTaskMs: 0 });
});
