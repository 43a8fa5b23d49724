/**
 * A run on a graphics device that goes away, or refuses memory or a command, in the middle: a clear error, and a resume
 * that works.
 */
import * as tf from '@tensorflow/tfjs-core';
import { describe, expect, it } from 'vitest';
import { orDeviceError } from '../../engine/backends/deviceWatch.ts';
import { bootOrNote } from '../../../test-support/checks/engineSkip.ts';
import { expectClose } from '../../../test-support/checks/expectClose.ts';
import { filesBelow, tinyRun } from '../../../test-support/rigs/tinyRun.ts';
import { CallControl } from '../control.ts';
import type { RunSpec } from '../../../src-shared/runSpec.ts';
import type { TrainEvent, TrainResult } from '../../../src-shared/training.ts';
import { Resident } from '../serve/resident.ts';
import { train } from './train.ts';

interface Device {
  destroy(): void;
  createBuffer(descriptor: { size: number; usage: number }): unknown;
  createShaderModule(descriptor: { code: string }): unknown;
  limits: { maxBufferSize: number };
}

/** GPUBufferUsage.STORAGE */
const STORAGE = 0x80;
const note = await bootOrNote('webgpu');
const device = (): Device => (tf.backend() as unknown as { device: Device }).device;

/** As the worker runs it (main.ts). `losses` by step. */
function run(
  spec: RunSpec,
  resume: boolean,
  losses: Map<number, number>,
  onEvent: (event: TrainEvent) => void = () => undefined,
): Promise<TrainResult> {
  const emit = (event: TrainEvent): void => {
    if (event.type === 'step') losses.set(event.step, event.loss);
    onEvent(event);
  };
  return orDeviceError(() => train(spec, resume, emit, new CallControl()));
}

describe.skipIf(note !== '')(`a run on a failing device${note}`, () => {
  it('ends with GPU_LOST and repeats the uninterrupted run when it is resumed', async () => {
    const options = { train: { steps: 6, checkpointEvery: 2 } };
    const whole = new Map<number, number>();
    await run({ ...(await tinyRun(options)), engine: 'webgpu' }, false, whole);

    const spec: RunSpec = { ...(await tinyRun(options)), engine: 'webgpu' };
    const losses = new Map<number, number>();
    const cut = run(spec, false, losses, (event) => {
      if (event.type === 'step' && event.step === 3) device().destroy();
    });
    await expect(cut).rejects.toMatchObject({
      code: 'GPU_LOST',
      message: expect.stringMatching(/resume the run from its last checkpoint/),
    });
    expect([...losses.keys()]).toEqual([1, 2, 3]);

    expect(await run(spec, true, losses)).toMatchObject({ outcome: 'completed', steps: 6 });
    expectClose([...losses.values()], [...whole.values()], { rtol: 1e-5, atol: 0 });
  });

  it('ends with an error of its own when a buffer cannot be had', async () => {
    const spec: RunSpec = { ...(await tinyRun({ train: { steps: 50 } })), engine: 'webgpu' };
    const work = train(
      spec,
      false,
      (event) => {
        if (event.type === 'step') device().createBuffer({ size: device().limits.maxBufferSize, usage: STORAGE });
      },
      new CallControl(),
    );
    const cut = orDeviceError(() => work);
    // Smaller micro-batches are tried first; the refusal after each step leaves nothing to try.
    await expect(cut).rejects.toMatchObject({
      code: expect.stringMatching(/^(GPU_)?OUT_OF_MEMORY$/),
      message: expect.stringMatching(/smaller batch|one row/),
    });
    // it does not go on behind the error
    await expect(work).rejects.toMatchObject({ code: expect.stringMatching(/OUT_OF_MEMORY$/) });
    expect(filesBelow(spec.outDir)).toEqual([]);
  });

  it('ends with GPU_ERROR when the driver refuses a shader', async () => {
    const spec: RunSpec = { ...(await tinyRun({ train: { steps: 50 } })), engine: 'webgpu' };
    const cut = run(spec, false, new Map(), (event) => {
      if (event.type === 'step') device().createShaderModule({ code: 'fn main() -> nothing {}' });
    });
    await expect(cut).rejects.toMatchObject({ code: 'GPU_ERROR', message: expect.stringMatching(/another engine/) });
  });

  it('is told at once to whoever asks the model that was loaded on it, until it is loaded again', async () => {
    const { model } = await tinyRun();
    const resident = new Resident();
    const ask = () =>
      orDeviceError(() =>
        resident.generate({ prompt: 'Hello', maxNew: 5, temperature: 0 }, () => undefined, new CallControl()),
      );
    await resident.load({ engine: 'webgpu', modelDir: model.dir });
    const answer = await ask();
    device().destroy();
    await expect(ask()).rejects.toMatchObject({ code: 'GPU_LOST' });
    await expect(ask()).rejects.toMatchObject({ code: 'GPU_LOST' });
    await resident.load({ engine: 'webgpu', modelDir: model.dir });
    expect((await ask()).text).toBe(answer.text);
  });
});
