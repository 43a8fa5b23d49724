import { expect, it } from 'vitest';
import { ProgressMeter, type RunProgress, type Schedule } from './progressMeter.ts';

type Timed = Parameters<ProgressMeter['push']>[0];

interface Costs {
  step: number;
  eval?: number;
  sample?: number;
  checkpoint?: number;
}

/** What the meter says at each step of a run whose work takes these milliseconds, beside what was then really left. */
function follow(totalSteps: number, schedule: Schedule, cost: Costs) {
  const steps: { said: number | null; atMs: number }[] = [];
  const told: RunProgress[] = [];
  let nowMs = 1000;
  const meter = new ProgressMeter('r', totalSteps, schedule, nowMs);
  const happen = (type: Timed['type'], step: number) => {
    const ms = cost[type];
    if (ms === undefined) return;
    nowMs += ms;
    const progress = meter.push({ type, step, loss: 1, valLoss: 1, texts: [] } as unknown as Timed, nowMs);
    if (progress) told.push(progress);
    if (type === 'step') steps.push({ said: meter.latest!.msLeft, atMs: nowMs });
  };
  const look = (step: number) => {
    happen('eval', step);
    happen('sample', step);
  };
  look(0);
  for (let step = 1; step <= totalSteps; step++) {
    happen('step', step);
    if (step === totalSteps || (schedule.evalEvery > 0 && step % schedule.evalEvery === 0)) look(step);
    const { checkpointEvery } = schedule;
    if (checkpointEvery > 0 && step % checkpointEvery === 0 && step < totalSteps) happen('checkpoint', step);
  }
  return { steps: steps.map(({ said, atMs }) => ({ said, left: nowMs - atMs })), told };
}

it('counts the evaluations, samples and checkpoints that are still to come', () => {
  const schedule = { evalEvery: 50, checkpointEvery: 30 };
  const { steps } = follow(200, schedule, { step: 10, eval: 700, sample: 300, checkpoint: 90 });
  // From the second step on, once there has been a checkpoint; all costs are steady, so nothing is left to guess.
  for (const { said, left } of steps.slice(31)) expect(said).toBeCloseTo(left, 6);
  // Before the first checkpoint nobody knows what one costs.
  expect(steps[1]).toEqual({ said: steps[1]!.left - 6 * 90, left: 198 * 10 + 4 * 1000 + 6 * 90 });
});

it('the last evaluation counts where none is asked for on the way, also when it falls on a multiple', () => {
  const alone = follow(40, { evalEvery: 0, checkpointEvery: 0 }, { step: 5, eval: 400 });
  expect(alone.steps[10]).toEqual({ said: 29 * 5 + 400, left: 29 * 5 + 400 });
  const odd = follow(45, { evalEvery: 20, checkpointEvery: 0 }, { step: 5, eval: 400 });
  expect(odd.steps[10]!.said).toBe(34 * 5 + 3 * 400);
  const even = follow(40, { evalEvery: 20, checkpointEvery: 0 }, { step: 5, eval: 400 });
  expect(even.steps[39]).toEqual({ said: 400, left: 400 });
});

it('is the steps alone in a run without rows to validate on', () => {
  const { steps } = follow(100, { evalEvery: 10, checkpointEvery: 0 }, { step: 20 });
  expect(steps[9]).toEqual({ said: 1800, left: 1800 });
});

it('speaks at most twice a second, nothing of the time before the second step, and always of the last', () => {
  const { steps, told } = follow(200, { evalEvery: 0, checkpointEvery: 0 }, { step: 10 });
  expect(steps[0]!.said).toBeNull();
  expect(told[0]).toEqual({ id: 'r', step: 1, totalSteps: 200, loss: 1, msLeft: null });
  expect(told.map(({ step }) => step)).toEqual([1, 51, 101, 151, 200]);
  expect(told.at(-1)!.msLeft).toBe(0);
});
