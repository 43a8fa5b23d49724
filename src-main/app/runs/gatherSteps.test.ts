import { afterEach, beforeEach, expect, it, vi } from 'vitest';
import type { RunEvent } from './channel.ts';
import { gatherSteps, type WatchEvent } from './gatherSteps.ts';

const step = (n: number): RunEvent => ({
  type: 'step',
  step: n,
  loss: n,
  lr: 0,
  gradNorm: 0,
  tokensPerSecond: 0,
  memoryBytes: 0,
  elapsedMs: 0,
});
const shape = (events: WatchEvent[]): unknown[] =>
  events.map((event) => (event.type === 'steps' ? event.steps.map(({ step }) => step) : event.type));

beforeEach(() => void vi.useFakeTimers());
afterEach(() => void vi.useRealTimers());

it('tells steps together, each once and in order, and every other event after the steps before it', () => {
  const told: WatchEvent[] = [];
  const { listener } = gatherSteps((event) => told.push(event));
  [step(1), step(2)].forEach(listener);
  expect(told).toEqual([]);
  vi.runAllTimers();
  [step(3), { type: 'eval', step: 3, valLoss: 1 } as RunEvent, step(4)].forEach(listener);
  expect(shape(told)).toEqual([[1, 2], [3], 'eval']);
  vi.runAllTimers();
  expect(shape(told)).toEqual([[1, 2], [3], 'eval', [4]]);
});

it('tells nothing more once it is ended', () => {
  const told: WatchEvent[] = [];
  const { listener, end } = gatherSteps((event) => told.push(event));
  listener(step(1));
  end();
  vi.runAllTimers();
  expect(told).toEqual([]);
});
