/**
 * The memory estimate against the tensors of a real step and the peak of a worker, and the largest sizes that fit.
 */
import path from 'node:path';
import * as tf from '@tensorflow/tfjs-core';
import { describe, expect, it, onTestFinished } from 'vitest';
import { expectClose } from '../../../test-support/checks/expectClose.ts';
import { countTensorBytes } from '../../../test-support/checks/tensorBytes.ts';
import { temporaryFolder } from '../../../test-support/fixtures/folders.ts';
import { WorkerClient } from '../../app/workers/client.ts';
import { forkWorker } from '../../app/workers/channel.ts';
import { MODEL } from '../../../test-support/rigs/services.ts';
import { writeTinyModel } from '../../../test-support/fixtures/tinyModel.ts';
import { TINY_BOS, TINY_EOS, TINY_VOCAB } from '../../../test-support/fixtures/tinyTokenizer.ts';
import { filesBelow, hashOf, tinyRun } from '../../../test-support/rigs/tinyRun.ts';
import { AdamW } from '../../engine/optim/adamw.ts';
import type { Batch } from '../../engine/train/batchLoss.ts';
import { trainStep } from '../../engine/train/step.ts';
import { attachMethod } from '../../methods/attach.ts';
import { useBackend } from '../backend.ts';
import { loadDecoder } from '../loadDecoder.ts';
import { baseFormsOf } from '../../../src-shared/baseDtypes.ts';
import { withDraft, type Draft } from '../train/draft.ts';
import { estimateMemory, OVERHEAD } from './estimate.ts';
import { fullBatch, largest, largestThatFit } from './largest.ts';
import { longestBatch } from './longestBatch.ts';
import type { PreflightResult } from '../../../src-shared/plan.ts';
import type { RunSpec } from '../../../src-shared/runSpec.ts';

const MIB = 2 ** 20;
const ROWS = Array.from({ length: 24 }, (_, i) => JSON.stringify({ text: 'once upon a time '.repeat(12 + (i % 5)) }));
const DATA = { maxLength: 64, lossOn: 'all' };

function ask(spec: RunSpec): Promise<PreflightResult> {
  const client = new WorkerClient(forkWorker());
  onTestFinished(() => client.kill());
  return client.call('preflight', { spec, card: null }).promise;
}

async function runOn(modelDir: string, train: object, method: object = {}): Promise<RunSpec> {
  const spec = await tinyRun({ rows: ROWS, data: DATA, train: { batch: 8, ...train }, method: { rank: 8, ...method } });
  return { ...spec, engine: 'tensorflow', model: { dir: modelDir, hash: hashOf(modelDir) } };
}

/** GPT-2's shape and head size, with a small vocabulary. */
async function gpt2(width: number, layers: number): Promise<string> {
  const config = {
    model_type: 'gpt2',
    n_embd: width,
    n_layer: layers,
    n_head: width / 64,
    vocab_size: TINY_VOCAB,
    n_positions: 512,
    activation_function: 'gelu_new',
    tie_word_embeddings: true,
    bos_token_id: TINY_BOS,
    eos_token_id: TINY_EOS,
  };
  return writeTinyModel(path.join(temporaryFolder(), 'gpt2'), { config });
}

interface Taken {
  weightBytes: number;
  tensorBytes: number;
}

/** A step in this process: bytes of the weights, and of all tensors at the worst moment. */
async function realStep(draft: Draft, batch: Batch): Promise<Taken> {
  await useBackend('tensorflow');
  const { base, train } = draft;
  const batches = train.accumulate > 1 ? [batch, batch] : [batch];
  let weightBytes = 0;
  const { peak } = await countTensorBytes(async (count) => {
    const decoder = await loadDecoder(base, baseFormsOf(draft));
    weightBytes = count.held;
    const { model, parameters, beforeTraining } = await attachMethod(decoder, draft, base);
    count.peak = count.held; // weights pass through more than one buffer on their way in
    const optimizer = new AdamW(parameters, train);
    await trainStep(model, parameters, optimizer, batches, {
      ...train,
      beforeMicroBatch: () => beforeTraining('test'),
    });
    optimizer.dispose();
    tf.dispose(parameters.map(({ value }) => value));
    decoder.dispose();
  });
  return { weightBytes, tensorBytes: peak };
}

/** The estimate's model: the process, the weights, and of what comes and goes as much as an allocator holds for it. */
function modelled({ weightBytes, tensorBytes }: Taken, recomputing: boolean): number {
  const { processBytes, slack, slackRecomputing } = OVERHEAD.tensorflow;
  return processBytes + weightBytes + (recomputing ? slackRecomputing : slack) * (tensorBytes - weightBytes);
}

/**
 * The estimate from shapes against the same model of the tensors that a real step held. The shapes leave out what a
 * composite of several ops holds while it runs, less than 15 % of the whole and the same in every run. The peak of the
 * process, in a worker of its own, holds these tensors at least; what its allocator keeps besides differs from process
 * to process, by a fifth and more, so from above only the order of size is asserted.
 */
async function expectAsMeasured(spec: RunSpec): Promise<PreflightResult> {
  const result = await ask(spec);
  const { estimate, peakBytes } = result;
  const { totalBytes, processBytes, weightBytes, trainableBytes, gradientBytes, momentBytes, activationBytes } =
    estimate;
  expect(processBytes + weightBytes + trainableBytes + gradientBytes + momentBytes + activationBytes).toBeCloseTo(
    totalBytes,
    -3,
  );
  const real = await withDraft(
    spec,
    () => undefined,
    (draft) => realStep(draft, longestBatch(draft)),
  );
  expectClose([weightBytes], [real.weightBytes], { rtol: 0.01, atol: 0 }, 'weights');
  expectClose([totalBytes], [modelled(real, spec.train.gradientCheckpointing)], { rtol: 0.15, atol: 0 }, 'total');
  expect(peakBytes).toBeGreaterThan(real.tensorBytes);
  expect(peakBytes).toBeLessThan(2 * totalBytes);
  return result;
}

describe('the estimate is within 15 % of what the tensors of a real step come to', () => {
  it.each([
    ['stories260K, LoRA', {}, {}],
    ['stories260K, LoRA, accumulated', { accumulate: 2, gradientCheckpointing: true }, {}],
    ['stories260K, every weight, larger batch', { batch: 20 }, { type: 'full' }],
  ])('%s', async (_, train, method) => {
    const spec = await runOn(MODEL, train, method);
    const result = await expectAsMeasured(spec);
    expect(result.longest.longestRow).toBe(64);
    expect(result.stepMs).toBeGreaterThan(0);
    expect(result.evaluationMs).toBeGreaterThan(0);
    expect(filesBelow(spec.outDir)).toEqual([]);
    expect(filesBelow(spec.runDir)).toEqual([]);
  });

  it.each([
    ['LoRA', {}, {}],
    ['LoRA with recomputed blocks', { gradientCheckpointing: true }, {}],
    ['every weight', {}, { type: 'full' }],
  ])('the shape of a small GPT-2, %s', async (_, train, method) => {
    await expectAsMeasured(await runOn(await gpt2(256, 4), train, method));
  });
});

describe('the largest batch, length and rank for a limit', () => {
  it('grow with it, and are those that the measured peak of the process allows', async () => {
    const spec = await runOn(await gpt2(192, 3), { batch: 4, memoryLimitBytes: 600 * MIB });
    const { largest: wide, estimate, peakBytes, longest } = await ask(spec);
    await withDraft(
      spec,
      () => undefined,
      async (run) => {
        const at = (limitBytes: number): Promise<PreflightResult['largest']> =>
          largestThatFit({ run, limitBytes, longestRow: longest.longestRow, estimate, peakBytes });
        expect(wide).toEqual(await at(600 * MIB));
        const narrow = await at(320 * MIB);
        for (const kind of ['batch', 'maxLength'] as const) expect(wide[kind]!, kind).toBeGreaterThan(narrow[kind]!);
        expect((await at(4000 * MIB)).rank).toBe(192); // the width: beyond it no rank is possible
      },
    );
  });

  it.each([1, 1.5])('fit, but not by far, where a process took %f times the estimate', async (factor) => {
    const spec = await runOn(await gpt2(192, 3), { batch: 4 });
    await withDraft(
      spec,
      () => undefined,
      async (run) => {
        const { T: longestRow } = longestBatch(run);
        const estimate = await estimateMemory(run, fullBatch(4, longestRow));
        const fixed = estimate.processBytes + estimate.weightBytes;
        const peakBytes = fixed + factor * (estimate.totalBytes - fixed);
        const question = { run, limitBytes: 600 * MIB, longestRow, estimate, peakBytes };
        const { batch } = await largestThatFit(question);
        const real = modelled(await realStep(run, fullBatch(batch!, longestRow)), false);
        const taken = fixed + factor * (real - fixed);
        expect(taken).toBeLessThan(1.15 * 600 * MIB); // as good as the estimate
        expect(taken).toBeGreaterThan(0.85 * 600 * MIB);
      },
    );
  });
});

it('searches the largest value that fits', async () => {
  for (const limit of [0, 1, 2, 7, 8, 99, 100, 1000]) {
    const asked: number[] = [];
    const found = await largest(100, (value) => {
      asked.push(value);
      return Promise.resolve(value <= limit);
    });
    expect(found).toBe(Math.min(limit, 100));
    expect(asked.length).toBeLessThan(16);
    expect(Math.max(...asked)).toBeLessThanOrEqual(100);
  }
});
