/** A run that is held between two steps: nothing goes on, nothing is lost, and what ends it ends the wait. */
import { setTimeout as sleep } from 'node:timers/promises';
import { expect, it } from 'vitest';
import { tinyRun } from '../../../test-support/rigs/tinyRun.ts';
import type { RunSpec } from '../../../src-shared/runSpec.ts';
import { CallControl } from '../control.ts';
import { train } from './train.ts';

const STEPS = { train: { steps: 8, evalEvery: 4, checkpointEvery: 0 } };

function begin(spec: RunSpec, holdAfter?: number) {
  const control = new CallControl();
  const losses: number[] = [];
  const reached = Promise.withResolvers<void>();
  const ended = train(
    spec,
    false,
    (event) => {
      if (event.type !== 'step') return;
      losses.push(event.loss);
      if (event.step !== holdAfter) return;
      control.ask('hold');
      reached.resolve();
    },
    control,
  );
  return { control, losses, ended, reached: reached.promise };
}

it('takes no step while it is held, and then those of an undisturbed run', async () => {
  const whole = begin(await tinyRun(STEPS));
  await whole.ended;
  const held = begin(await tinyRun(STEPS), 3);
  await held.reached;
  await sleep(200);
  expect(held.losses).toHaveLength(3);
  held.control.ask('release');
  expect(await held.ended).toMatchObject({ outcome: 'completed', steps: 8 });
  expect(held.losses).toEqual(whole.losses);
});

it.each(['stop', 'pause'] as const)('a held run hears %s', async (action) => {
  const held = begin(await tinyRun(STEPS), 3);
  await held.reached;
  held.control.ask(action);
  expect(await held.ended).toMatchObject({ outcome: action === 'stop' ? 'stopped' : 'paused', steps: 3 });
});
