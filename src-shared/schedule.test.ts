import { expect, it } from 'vitest';
import { scheduleFactor, warmupAsked, warmupSteps } from './schedule.ts';

it.each([
  [0, 100, 0],
  [1, 100, 1],
  [7.9, 100, 7],
  [0.1, 100, 10],
  [0.06, 20, 2],
  [0.001, 20, 1],
  [0.05, 1, 0],
  [0.05, 2, 1],
  [100, 60, 59],
  [0.999, 3, 2],
])('a warm-up of %d in %d steps takes %d steps', (warmup, total, steps) => {
  expect(warmupSteps(warmup, total)).toBe(steps);
});

it('rises linearly from 0 over the warm-up, in every schedule', () => {
  for (const name of ['linear', 'cosine', 'constant'] as const) {
    expect([0, 1, 2, 3].map((step) => scheduleFactor(name, step, 4, 20))).toEqual([0, 0.25, 0.5, 0.75]);
    expect(scheduleFactor(name, 4, 4, 20)).toBe(1);
    expect(scheduleFactor(name, 0, 0, 20)).toBe(1);
  }
});

it('linear falls to 0 at the end', () => {
  expect([4, 8, 12, 16, 20].map((step) => scheduleFactor('linear', step, 4, 20))).toEqual([1, 0.75, 0.5, 0.25, 0]);
  expect(scheduleFactor('linear', 25, 4, 20)).toBe(0);
});

it('cosine is half a period', () => {
  const factors = [4, 8, 12, 16, 20].map((step) => scheduleFactor('cosine', step, 4, 20));
  [1, 0.5 + Math.SQRT1_2 / 2, 0.5, 0.5 - Math.SQRT1_2 / 2, 0].forEach((want, i) =>
    expect(factors[i]).toBeCloseTo(want, 12),
  );
});

it('constant stays, and a run that is all warm-up does not divide by zero', () => {
  expect(scheduleFactor('constant', 19, 4, 20)).toBe(1);
  expect(scheduleFactor('linear', 20, 20, 20)).toBe(1);
});

it('every run reaches its learning rate, however long a warm-up is asked for', () => {
  for (const total of [1, 2, 3, 10, 61])
    for (const warmup of [0, 0.05, 0.5, 0.999, 1, 2, 60, 1e6])
      for (const name of ['linear', 'cosine', 'constant'] as const) {
        const rise = warmupSteps(warmup, total);
        const factors = Array.from({ length: total }, (_, step) => scheduleFactor(name, step, rise, total));
        expect(Math.max(...factors), `${name}, ${warmup} of ${total}`).toBe(1);
      }
  expect([warmupAsked(100, 60), warmupAsked(0.05, 1)]).toEqual([100, 1]);
});
