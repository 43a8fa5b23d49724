/** Training in this process: what accumulation means, what is freed, and full fine-tuning. */
import fs from 'node:fs';
import path from 'node:path';
import * as tf from '@tensorflow/tfjs-core';
import { expect, it } from 'vitest';
import { openBaseModel } from '../../basemodel/baseModel.ts';
import { expectClose } from '../../../test-support/checks/expectClose.ts';
import { hashOf, tinyRun } from '../../../test-support/rigs/tinyRun.ts';
import { endNote } from '../../../src-shared/endNote.ts';
import { CallControl } from '../control.ts';
import { evaluate } from '../verify/evaluate.ts';
import type { RunSpec } from '../../../src-shared/runSpec.ts';
import type { TrainEvent, TrainResult } from '../../../src-shared/training.ts';
import { train } from './train.ts';

async function run(
  spec: RunSpec,
  onEvent: (event: TrainEvent) => void = () => undefined,
): Promise<{ result: TrainResult; losses: number[] }> {
  const losses: number[] = [];
  const result = await train(
    spec,
    false,
    (event) => {
      if (event.type === 'step') losses.push(event.loss);
      onEvent(event);
    },
    new CallControl(),
  );
  return { result, losses };
}

it('two micro-batches of 2 give the losses of one batch of 4', async () => {
  const accumulated = await run(await tinyRun({ train: { batch: 2, accumulate: 2 } }));
  const whole = await run(await tinyRun({ train: { batch: 4, accumulate: 1 } }));
  expect(whole.losses).toHaveLength(6);
  expect(whole.losses[5]).not.toBeCloseTo(whole.losses[0]!, 2);
  expectClose(accumulated.losses, whole.losses, { rtol: 0, atol: 1e-5 });
});

it.each(['lora', 'full'])('tensors do not pile up over the steps of %s', async (type) => {
  const counts: number[] = [];
  await run(
    await tinyRun({ method: { type, dropout: 0.1 }, train: { accumulate: 2, evalEvery: 2, checkpointEvery: 3 } }),
    (event) => {
      if (event.type === 'step') counts.push(tf.memory().numTensors);
    },
  );
  expect(counts).toHaveLength(6);
  expect(new Set(counts).size).toBe(1);
});

it('training lowers the loss, also of the adapter read back from disk', async () => {
  const spec = await tinyRun({
    train: { steps: 50, lr: 2e-2 },
    method: { targets: ['q', 'k', 'v', 'o', 'gate', 'up', 'down'] },
  });
  const { result } = await run(spec);
  expect(result.finalLoss).toBeLessThan(0.8 * result.firstLoss);
  expect(result.initialValLoss).not.toBeNull();
  const before = tf.memory().numTensors;
  const all = { engine: 'wasm', modelDir: spec.model.dir, data: spec.data, batch: 4 } as const;
  const base = await evaluate(all, () => undefined);
  const tuned = await evaluate({ ...all, adapterDir: spec.outDir }, () => undefined);
  expect(tuned.loss).toBeLessThan(0.8 * base.loss);
  expect(tuned.tokens).toBe(base.tokens);
  expect(tf.memory().numTensors).toBe(before);
});

it('full fine-tuning changes every weight, and the saved folder gives the loss that was reported', async () => {
  const spec = await tinyRun({ method: { type: 'full' }, train: { steps: 4, val: 0.5 } });
  const { result } = await run(spec);
  expect(result.trainableParameters).toBe(result.totalParameters);
  const [before, after] = [openBaseModel(spec.model.dir), openBaseModel(spec.outDir)];
  expect([...after.tensors.keys()].sort()).toEqual([...before.tensors.keys()].sort());
  for (const name of before.tensors.keys()) {
    const [old, now] = [before.readF32(name), after.readF32(name)];
    expect(
      old.some((value, i) => value !== now[i]),
      name,
    ).toBe(true);
  }
  before.close();
  after.close();

  // The same split, validated before the first step on the saved model.
  const again = await run({
    ...spec,
    outDir: `${spec.outDir}-again`,
    model: { dir: spec.outDir, hash: hashOf(spec.outDir) },
    train: { ...spec.train, steps: 1 },
  });
  expect(result.valLoss).not.toBeCloseTo(result.initialValLoss!, 3);
  expectClose([again.result.initialValLoss!], [result.valLoss!], { rtol: 1e-6, atol: 0 });
});

it('without validation rows there is no validation loss', async () => {
  const spec = await tinyRun({ train: { steps: 1, val: 0 } });
  const { result } = await run(spec);
  expect(result).toMatchObject({ initialValLoss: null, valLoss: null });
  expect(fs.existsSync(path.join(spec.outDir, 'adapter_model.safetensors'))).toBe(true);
});

it('one row in three epochs is learnt, and said to be little; a run at rate 0 says it learnt nothing', async () => {
  const said: string[] = [];
  const note = (event: TrainEvent): void => void (event.type === 'log' && said.push(event.message));
  const one = { rows: [JSON.stringify({ prompt: 'row', completion: ' aab' })] };
  const train = { steps: undefined, epochs: 3, batch: 8, warmup: 0.05, val: 0.1 };
  const spec = await tinyRun({ ...one, train });
  const { result } = await run({ ...spec, shortWarmup: true }, note);
  expect(result.unchanged).toBe(false);
  expect(said.join('\n')).toMatch(/Only 1 row .*\n.*\n.*10 % of 1 row are none/);
  // As a run of before was begun: the warm-up is the whole run.
  const before = await tinyRun({ ...one, train: { ...train, steps: 1, epochs: 3 } });
  const { result: nothing } = await run(before);
  expect(nothing.unchanged).toBe(true);
  expect(endNote(nothing)).toMatch(/^Nothing was learnt/);
});
