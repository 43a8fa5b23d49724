/** The estimate for a graphics card beside the bytes that the run took of one, in a process of its own. */
import path from 'node:path';
import * as tf from '@tensorflow/tfjs-core';
import { describe, expect, it, onTestFinished } from 'vitest';
import { bootOrNote } from '../../../test-support/checks/engineSkip.ts';
import { expectClose } from '../../../test-support/checks/expectClose.ts';
import { temporaryFolder } from '../../../test-support/fixtures/folders.ts';
import { TINY_GPT2, TINY_LLAMA, writeTinyModel } from '../../../test-support/fixtures/tinyModel.ts';
import { MODEL } from '../../../test-support/rigs/services.ts';
import { hashOf, tinyRun } from '../../../test-support/rigs/tinyRun.ts';
import type { PreflightResult } from '../../../src-shared/plan.ts';
import { WorkerClient } from '../../app/workers/client.ts';
import { forkWorker } from '../../app/workers/channel.ts';
import { openBaseModel } from '../../basemodel/baseModel.ts';
import { USUAL_LIMITS } from '../../engine/backends/dryDevice.ts';
import { onDryWebgpu } from '../../engine/backends/dryWebgpu.ts';
import { webgpuBackend } from '../../engine/backends/tfjsInternals.ts';
import type { ModelConfig } from '../../engine/model/architecture.ts';
import { AdamW } from '../../engine/optim/adamw.ts';
import { trainStep } from '../../engine/train/step.ts';
import { attachMethod } from '../../methods/attach.ts';
import { loadDecoder } from '../loadDecoder.ts';
import { fullBatch } from './largest.ts';
import { estimateMemory } from './estimate.ts';

const note = await bootOrNote('webgpu');

const LLAMA = { ...TINY_LLAMA, hidden_size: 64, intermediate_size: 160, max_position_embeddings: 512 };
const GPT2 = { ...TINY_GPT2, n_embd: 64, n_positions: 128 };
/** Two rows of about 20 tokens and one of `longest`. */
const rowsUpTo = (longest: number): string[] =>
  [20, 20, longest].map((length) => JSON.stringify({ prompt: 'a', completion: 'b'.repeat(length) }));
const MANY = Array.from({ length: 12 }, (_, i) => JSON.stringify({ prompt: 'a', completion: 'b'.repeat(10 + i) }));

const PAIRS = MANY.map((row, i) => JSON.stringify({ prompt: 'a', chosen: 'b'.repeat(10 + i), rejected: `c${row}` }));
const DPO = { type: 'dpo' };

/** A step and an evaluation of the run, beside their estimate. */
async function tryOut(modelDir: string, overrides: object, forms: object = {}): Promise<PreflightResult> {
  const spec = await tinyRun(overrides);
  const client = new WorkerClient(forkWorker());
  onTestFinished(() => client.kill());
  const model = { dir: modelDir, hash: hashOf(modelDir) };
  return client.call('preflight', {
    card: null,
    spec: { ...spec, engine: 'webgpu', model, ...forms } as never,
  }).promise;
}

const tinyModel = (config: ModelConfig): Promise<string> =>
  writeTinyModel(path.join(temporaryFolder(), 'm'), { config });

describe.skipIf(note !== '')(`the estimate for a card${note}`, () => {
  it.each<[string, ModelConfig | null, object, object?]>([
    ['one long row', LLAMA, { rows: rowsUpTo(300), data: { maxLength: 320 }, train: { batch: 1 } }],
    [
      'one long row, computed again',
      LLAMA,
      { rows: rowsUpTo(300), data: { maxLength: 320 }, train: { batch: 1, gradientCheckpointing: true } },
    ],
    ['many short rows', LLAMA, { rows: MANY, train: { batch: 8, val: 0 } }],
    ['many short rows, accumulated', LLAMA, { rows: MANY, train: { batch: 4, accumulate: 3 } }],
    ['an nf4 base', LLAMA, { rows: MANY, train: { batch: 8 } }, { baseDtype: 'nf4' }],
    [
      'all in int8, computed again',
      LLAMA,
      { rows: MANY, train: { batch: 8, gradientCheckpointing: true } },
      { baseDtype: 'int8', embeddingDtype: 'int8' },
    ],
    ['embeddings in bf16', LLAMA, { rows: MANY, train: { batch: 8 } }, { embeddingDtype: 'bf16' }],
    ['every weight', LLAMA, { rows: MANY, train: { batch: 8 }, method: { type: 'full' } }],
    ['GPT-2', GPT2, { rows: MANY, train: { batch: 8 } }],
    ['DoRA', LLAMA, { rows: MANY, train: { batch: 8 }, method: { dora: true } }],
    ['DPO on pairs', LLAMA, { rows: PAIRS, train: { batch: 4, val: 0 }, objective: DPO }],
    ['DPO on pairs, accumulated', LLAMA, { rows: PAIRS, train: { batch: 2, accumulate: 2 }, objective: DPO }],
    ['stories260K', null, { rows: MANY, train: { batch: 8 } }],
  ])('%s: within 10 %% of what the run took', async (_, config, overrides, forms) => {
    const { estimate, peakBytes } = await tryOut(config ? await tinyModel(config) : MODEL, overrides, forms);
    expectClose([estimate.totalBytes], [peakBytes], { rtol: 0.1, atol: 0 }, 'peak');
    const { weightBytes, trainableBytes, gradientBytes, momentBytes, activationBytes } = estimate;
    expect(weightBytes + trainableBytes + gradientBytes + momentBytes + activationBytes).toBe(estimate.totalBytes);
    expect(activationBytes).toBeGreaterThan(0);
  });

  it("KTO's: within 20 %, since its answers to other questions have sizes of their own", async () => {
    const overrides = { rows: PAIRS, train: { batch: 8, val: 0 }, objective: { type: 'kto' } };
    const { estimate, peakBytes } = await tryOut(await tinyModel(LLAMA), overrides);
    expectClose([estimate.totalBytes], [peakBytes], { rtol: 0.2, atol: 0 }, 'peak');
  });

  it('leaves the engine in use as it was', async () => {
    const x = tf.square(tf.fill([10], 3));
    const [backend, { numTensors }] = [tf.backend(), tf.memory()];
    const base = openBaseModel(MODEL);
    onTestFinished(() => base.close());
    const { method, train } = await tinyRun();
    await estimateMemory({ base, engine: 'webgpu', method, train }, fullBatch(2, 16));
    expect(tf.backend()).toBe(backend);
    expect((await x.data())[9]).toBe(9);
    expect(tf.memory().numTensors).toBe(numTensors);
  });
});

it.skipIf(note !== '')(`a step leaves nothing on the card that the one before did not${note}`, async () => {
  for (const config of [LLAMA, GPT2]) {
    const base = openBaseModel(await tinyModel(config));
    onTestFinished(() => base.close());
    const spec = await tinyRun();
    const { model, parameters, beforeTraining } = await attachMethod(await loadDecoder(base), spec, base);
    const optimizer = new AdamW(parameters, spec.train);
    const heldAfter = async (steps: number): Promise<number> => {
      for (let step = 0; step < steps; step++)
        await trainStep(model, parameters, optimizer, [fullBatch(4, 16)], {
          ...spec.train,
          beforeMicroBatch: () => beforeTraining('test'),
        });
      return webgpuBackend().bufferManager.numBytesUsed;
    };
    const held = await heldAfter(2);
    expect(await heldAfter(3)).toBe(held);
  }
});

it('rows of another length in every step take hardly more than the longest alone', async () => {
  const base = openBaseModel(await tinyModel(LLAMA));
  onTestFinished(() => base.close());
  const { method, train } = await tinyRun();
  const peakOf = (lengths: number[]): Promise<number> =>
    onDryWebgpu(USUAL_LIMITS, async (pool) => {
      const spec = { runId: '', task: '', outDir: '', method, train };
      const { model, parameters, beforeTraining } = await attachMethod(await loadDecoder(base), spec, base);
      const optimizer = new AdamW(parameters, train);
      const beforeMicroBatch = (): void => beforeTraining('test');
      for (const length of lengths)
        await trainStep(model, parameters, optimizer, [fullBatch(4, length)], { ...train, beforeMicroBatch });
      return pool.peakBytes;
    });
  const alone = await peakOf([128, 128]);
  expect(await peakOf([128, 121, 97, 88, 70, 65, 127, 113])).toBeLessThan(1.2 * alone);
});
