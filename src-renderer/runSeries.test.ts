import { expect, test } from 'vitest';
import { mergeSteps, timeLeft, upTo } from './runSeries.ts';

const at = (step: number, loss = step) => ({ step, loss, lr: 0, gradNorm: 0, tokensPerSecond: 0, memoryBytes: 0, elapsedMs: 100 * step });

test('recorded and live steps that overlap give each step once, in order, the newer value kept', () => {
  const merged = mergeSteps([at(1), at(2), at(3)], [at(3, 30), at(4)]);
  expect(merged.map(({ step, loss }) => [step, loss])).toEqual([[1, 1], [2, 2], [3, 30], [4, 4]]);
});

test('live steps that came before the recorded ones were read still end up behind them', () => {
  expect(mergeSteps([at(1), at(2)], [at(3)]).map((point) => point.step)).toEqual([1, 2, 3]);
  expect(mergeSteps([at(3)], [at(1), at(2)]).map((point) => point.step)).toEqual([1, 2, 3]);
});

test('steps after the checkpoint go when a run resumes', () => {
  expect(upTo([at(1), at(2), at(3)], 2).map((point) => point.step)).toEqual([1, 2]);
});

test('time left is the pace times the steps to go', () => {
  expect(timeLeft([at(1), at(2), at(3)], 10)).toBe(200 * 7);
  expect(timeLeft([], 10)).toBeUndefined();
});
