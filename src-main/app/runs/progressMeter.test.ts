import { expect, it } from 'vitest';
import { ProgressMeter } from './progressMeter.ts';

it('takes the time left from the last steps, evaluations included, and speaks at most twice a second', () => {
  const meter = new ProgressMeter('r', 1000, 50);
  let nowMs = 5000;
  const told: number[] = [];
  for (let step = 1; step <= 200; step++) {
    nowMs += step % 50 === 1 ? 110 : 10; // the evaluation comes between a step and the next
    if (meter.push({ step, loss: 1 }, nowMs)) told.push(nowMs);
  }
  // 50 steps: 50 · 10 ms and one evaluation of 100 ms.
  expect(meter.latest).toEqual({ id: 'r', step: 200, totalSteps: 1000, loss: 1, msLeft: 800 * 12 });
  expect(told.slice(1).every((at, i) => at - told[i]! >= 500)).toBe(true);
  expect(told.length).toBeGreaterThan(2);
});

it('says nothing of the time before the second step, and always tells the last one', () => {
  const meter = new ProgressMeter('r', 3, 0);
  expect(meter.push({ step: 1, loss: 4 }, 0)).toMatchObject({ step: 1, msLeft: null });
  expect(meter.push({ step: 2, loss: 3 }, 10)).toBeNull();
  expect(meter.latest).toMatchObject({ step: 2, loss: 3, msLeft: 10 });
  expect(meter.push({ step: 3, loss: 2 }, 20)).toMatchObject({ step: 3, msLeft: 0 });
});
