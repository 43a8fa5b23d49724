/**
 * Memory that runs out in the middle of a run: smaller micro-batches, the same curve, nothing left over; and when
 * nothing helps.
 */
import os from 'node:os';
import * as tf from '@tensorflow/tfjs-core';
import { beforeAll, describe, expect, it } from 'vitest';
import { bootBackend } from '../../engine/backends/backends.ts';
import { bootOrNote } from '../../../test-support/checks/engineSkip.ts';
import { expectClose } from '../../../test-support/checks/expectClose.ts';
import { openLoop, type LoopBench } from '../../../test-support/rigs/loopBench.ts';
import { filesBelow, tinyRun } from '../../../test-support/rigs/tinyRun.ts';
import { CallControl } from '../control.ts';
import type { TrainEvent } from '../../../src-shared/training.ts';
import { runStateFile } from '../../runfolder/layout.ts';
import { loadRunState } from './state.ts';
import { train } from './train.ts';
import { machineRoom } from '../plan/memoryRoom.ts';
import { tensorLimits } from './memoryGuard.ts';
import { trainLoop } from './loop.ts';

const SETTINGS = { steps: 5, batch: 6, accumulate: 2 };
const curve = (bench: LoopBench): number[] => [...bench.losses().values()];

/** A run whose tensors may hold `factor` times what a step of the whole batch needs beside the model. */
async function peakOf(train: object): Promise<number> {
  const bench = openLoop({ ...train, steps: 1 });
  const before = tf.memory().numBytes;
  let most = 0;
  const engine = tf.engine();
  const { runKernel } = engine;
  engine.runKernel = (...args) => {
    const result = runKernel.apply(engine, args);
    most = Math.max(most, tf.memory().numBytes - before);
    return result as never;
  };
  bench.run.data.val = [];
  await trainLoop(bench.run);
  engine.runKernel = runKernel;
  return most;
}

describe('on tensorflow', () => {
  beforeAll(async () => void (await bootBackend('tensorflow')));

  it('halves the micro-batches until they fit, says so, and gives the curve of a run with enough memory', async () => {
    const whole = openLoop(SETTINGS);
    await trainLoop(whole.run);
    const peakBytes = await peakOf(SETTINGS);
    const bench = openLoop(SETTINGS);
    bench.run.tensorLimitBytes = tf.memory().numBytes + 0.85 * peakBytes;
    const held: number[] = [];
    const { emit } = bench.run;
    bench.run.emit = (event) => {
      emit(event);
      if (event.type === 'step') held.push(tf.memory().numTensors);
    };
    expect((await trainLoop(bench.run)).outcome).toBe('completed');
    expect(bench.logs()).toEqual([
      expect.stringMatching(/^Memory ran out in step 1 with 6 rows at a time.* 3 at a time and twice the accumulation/),
    ]);
    expect(bench.run.progress.splits).toBe(2);
    expectClose(curve(bench), curve(whole), { rtol: 1e-5, atol: 0 });
    expect(new Set(held).size).toBe(1);
  });

  it('a resumed run keeps the smaller micro-batches', async () => {
    const whole = openLoop(SETTINGS);
    await trainLoop(whole.run);
    const peakBytes = await peakOf(SETTINGS);
    const first = openLoop(SETTINGS);
    // Only from step 3 on is memory short.
    first.run.emit = (event) => {
      if (event.type === 'checkpoint' && event.step === 2)
        first.run.tensorLimitBytes = tf.memory().numBytes + 0.85 * peakBytes;
      if (event.type === 'checkpoint' && event.step === 3) first.control.ask('stop');
    };
    await trainLoop(first.run);
    const rest = openLoop(SETTINGS, { runDir: first.run.dir });
    rest.run.progress = loadRunState(runStateFile(rest.run.dir), rest.run.method.parameters, rest.run.optimizer);
    expect(rest.run.progress).toMatchObject({ step: 3, splits: 2 });
    await trainLoop(rest.run);
    expect(rest.logs()).toEqual([]);
    expectClose(curve(rest), curve(whole).slice(3), { rtol: 1e-5, atol: 0 });
  });

  it('stops with the numbers and three changes where one row does not fit, with nothing left over', async () => {
    const bench = openLoop(SETTINGS);
    bench.run.data.val = [];
    const before = tf.memory().numTensors;
    bench.run.tensorLimitBytes = tf.memory().numBytes + 1000;
    await expect(trainLoop(bench.run)).rejects.toMatchObject({
      code: 'OUT_OF_MEMORY',
      message: expect.stringMatching(/one row of \d+ tokens/),
      details: { step: 1, changes: [expect.any(String), expect.any(String), expect.any(String)] },
    });
    expect(bench.logs()).toHaveLength(3); // 6, 3, 2 rows at a time
    expect(tf.memory().numTensors).toBeLessThanOrEqual(before + 2); // the tables of rotary positions are the model's
  });

  it('takes more than was free at the start before it gives up, and says so', async () => {
    const whole = openLoop(SETTINGS);
    await trainLoop(whole.run);
    const bench = openLoop(SETTINGS);
    bench.run.tensorLimitBytes = tf.memory().numBytes + 1000;
    bench.run.mostTensorBytes = 1e12;
    expect((await trainLoop(bench.run)).outcome).toBe('completed');
    expect(bench.logs().at(-1)).toMatch(
      /^Step 1 takes more memory than was free .* other programs have to make room\.$/,
    );
    expect(bench.logs()).toHaveLength(4); // 6, 3, 2 rows at a time, then single ones with more
    expectClose(curve(bench), curve(whole), { rtol: 1e-5, atol: 0 });
  });

  it('is the room that the plan tells, less what the process holds beside tensors', () => {
    const limits = tensorLimits('tensorflow', false, undefined, 1);
    const besidesTensors = process.memoryUsage.rss() - tf.memory().numBytes;
    const { freeBytes, mostBytes } = machineRoom({ ownBytes: process.memoryUsage.rss() });
    // What is available changes from moment to moment, if not by a tenth of the machine.
    expect(Math.abs(limits.tensorLimitBytes! - (freeBytes - besidesTensors))).toBeLessThan(0.1 * os.totalmem());
    expect(Math.abs(limits.mostTensorBytes! - (mostBytes - besidesTensors))).toBeLessThan(0.01 * os.totalmem());
    const half = tensorLimits('tensorflow', false, undefined, 2).tensorLimitBytes!;
    expect(half).toBeLessThan(0.6 * limits.tensorLimitBytes!);
    expect(half).toBeGreaterThan(0.4 * limits.tensorLimitBytes!);
    expect(tensorLimits('webgpu', true, 5, 2)).toEqual({ tensorLimitBytes: 5, mostTensorBytes: 5 });
    expect(tensorLimits('webgpu', false, undefined, 1)).toEqual({ tensorLimitBytes: null, mostTensorBytes: null });
  });

  it('a limit below what the model takes ends a real run before its first step', async () => {
    const spec = await tinyRun({ train: { memoryLimitBytes: 2 ** 20 } });
    const logs: TrainEvent[] = [];
    await expect(train(spec, false, (event) => void logs.push(event), new CallControl())).rejects.toMatchObject({
      code: 'OUT_OF_MEMORY',
    });
    expect(filesBelow(spec.outDir)).toEqual([]);
  });
});

const note = await bootOrNote('webgpu');

describe.skipIf(note !== '')(`on a card${note}`, () => {
  beforeAll(async () => void (await bootBackend('webgpu')));

  it('goes on with smaller micro-batches after the device has refused memory', async () => {
    const whole = openLoop({ steps: 4, batch: 4 });
    whole.run.engine = 'webgpu';
    await trainLoop(whole.run);
    let refused = false;
    const bench = openLoop(
      { steps: 4, batch: 4 },
      {
        beforeTraining: (step) => {
          if (step !== 3 || refused) return;
          refused = true;
          const { device } = tf.backend() as unknown as {
            device: {
              createBuffer(descriptor: { size: number; usage: number }): unknown;
              limits: { maxBufferSize: number };
            };
          };
          device.createBuffer({ size: device.limits.maxBufferSize, usage: 0x80 });
        },
      },
    );
    bench.run.engine = 'webgpu';
    await trainLoop(bench.run);
    expect(bench.logs()).toEqual([expect.stringMatching(/^Memory ran out in step 3 with 4 rows/)]);
    expectClose(curve(bench), curve(whole), { rtol: 1e-5, atol: 0 });
  });
});
