/**
 * Steps whose loss is not finite: skipped, counted, given up on; and values that are not finite, which are never saved.
 */
import * as tf from '@tensorflow/tfjs-core';
import { beforeAll, expect, it } from 'vitest';
import { collate, rowsOfStep } from '../../datasets/batches.ts';
import { bootBackend } from '../../engine/backends/backends.ts';
import type { Decoder } from '../../engine/model/decoder.ts';
import { scheduleFactor } from '../../../src-shared/schedule.ts';
import { trainStep } from '../../engine/train/step.ts';
import { openLoop, type LoopBench } from '../../../test-support/rigs/loopBench.ts';
import { filesBelow, tinyRun } from '../../../test-support/rigs/tinyRun.ts';
import { CallControl } from '../control.ts';
import { runStateFile } from '../../runfolder/layout.ts';
import { loadRunState } from './state.ts';
import { train } from './train.ts';
import { trainLoop } from './loop.ts';

const NORM = 'model.norm.weight';

beforeAll(async () => void (await bootBackend('wasm')));

/** Makes the base's last norm NaN in the steps that `isBad` says, and sound in all others. */
function poison(isBad: (step: number) => boolean): (step: number, model: Decoder) => void {
  let sound: tf.Tensor | undefined;
  return (step, model) => {
    const parameter = model.weights.get(NORM)!;
    sound ??= parameter.value;
    parameter.value = isBad(step) ? tf.fill(sound.shape, NaN) : sound;
  };
}

/** What the steps of `bench` without `left` out come to, taken one by one without the loop. */
async function stepsWithout({ run, model }: LoopBench, left: number): Promise<[number, number][]> {
  const { data, totalSteps, method, optimizer, settings } = run;
  const rows = data.train;
  const losses: [number, number][] = [];
  for (let step = 1; step <= totalSteps; step++) {
    if (step === left) continue;
    const batches = rowsOfStep(rows.length, settings.batch, 1, settings.seed, step).map((indices) =>
      collate(rows, indices, 0),
    );
    const { loss } = await trainStep(model, method.parameters, optimizer, batches, {
      lr: settings.lr * scheduleFactor('linear', step - 1, 0, totalSteps),
      clip: settings.clip,
    });
    losses.push([step, loss]);
  }
  return losses;
}

it('a step that is not finite leaves everything as it was, and is said and counted', async () => {
  const want = await stepsWithout(openLoop({}), 3);
  const bench = openLoop({}, { beforeTraining: poison((step) => step === 3) });
  expect(await trainLoop(bench.run)).toEqual({ outcome: 'completed', stoppedEarly: false });
  expect([...bench.losses()]).toEqual(want);
  expect(bench.logs()).toEqual([expect.stringMatching(/^Step 3 is skipped, since its loss is NaN .*1 in a row/)]);
  expect(bench.run.progress).toMatchObject({ step: 6, skippedSteps: 1, badSteps: 0 });
  expect(bench.run.optimizer.t).toBe(5);
  // No state is written after it: in doubt the one before is the good one.
  expect(bench.events.flatMap((event) => (event.type === 'checkpoint' ? [event.step] : []))).toEqual([1, 2, 4, 5]);
});

it('after maxBadSteps in a row the run ends, and goes on from the state before them undisturbed', async () => {
  const whole = openLoop({ steps: 8 });
  await trainLoop(whole.run);
  const bench = openLoop({ steps: 8, maxBadSteps: 3 }, { beforeTraining: poison((step) => step >= 5) });
  await expect(trainLoop(bench.run)).rejects.toMatchObject({
    code: 'LOSS_NOT_FINITE',
    message: expect.stringMatching(/up to step 7.*resume from the last checkpoint/),
    details: { skippedSteps: 3 },
  });
  expect(bench.logs()).toHaveLength(3);

  const again = openLoop({ steps: 8 }, { runDir: bench.run.dir });
  again.run.progress = loadRunState(runStateFile(again.run.dir), again.run.method.parameters, again.run.optimizer);
  expect(again.run.progress).toMatchObject({ step: 4, badSteps: 0 });
  await trainLoop(again.run);
  expect([...again.losses()]).toEqual([...whole.losses()].slice(4));
});

it('a learning rate that blows everything up ends a real run with an error and no adapter', async () => {
  const spec = await tinyRun({ train: { steps: 20, lr: 1e30, checkpointEvery: 1 } });
  await expect(train(spec, false, () => undefined, new CallControl())).rejects.toMatchObject({
    code: 'LOSS_NOT_FINITE',
  });
  expect(filesBelow(spec.outDir)).toEqual([]);
});

it('an adapter with values that are not finite is neither saved nor kept as a run state', async () => {
  const spec = await tinyRun({ train: { steps: 1, lr: 1e39 } });
  await expect(train(spec, false, () => undefined, new CallControl())).rejects.toMatchObject({
    code: 'RESULT_NOT_FINITE',
    message: expect.stringMatching(/lora_[AB]/),
  });
  expect(filesBelow(spec.outDir)).toEqual([]);

  const bench = openLoop({ steps: 2, lr: 1e39, maxBadSteps: 2 });
  await trainLoop(bench.run);
  expect(bench.events.some(({ type }) => type === 'checkpoint')).toBe(false);
  expect(bench.logs()).toContainEqual(expect.stringMatching(/No checkpoint is written after step 1/));
  expect(filesBelow(bench.run.dir)).toEqual([]);
});
