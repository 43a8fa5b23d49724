/** The memory estimate against the measured peak, each in a worker of its own, and the largest sizes that fit. */
import fs from 'node:fs';
import path from 'node:path';
import { describe, expect, it, onTestFinished } from 'vitest';
import { temporaryFolder } from '../../../test-support/fixtures/folders.ts';
import { WorkerClient } from '../../app/workers/client.ts';
import { forkWorker } from '../../app/workers/channel.ts';
import { MODEL } from '../../../test-support/rigs/services.ts';
import { writeTinyModel } from '../../../test-support/fixtures/tinyModel.ts';
import { TINY_BOS, TINY_EOS, TINY_VOCAB } from '../../../test-support/fixtures/tinyTokenizer.ts';
import { filesBelow, hashOf, tinyRun } from '../../../test-support/rigs/tinyRun.ts';
import { largest } from './largest.ts';
import type { PreflightResult } from '../../../src-shared/plan.ts';
import type { RunSpec } from '../../../src-shared/runSpec.ts';

const MIB = 2 ** 20;
const ROWS = Array.from({ length: 24 }, (_, i) => JSON.stringify({ text: 'once upon a time '.repeat(20 + (i % 5)) }));
const DATA = { maxLength: 128, lossOn: 'all' };

function ask(spec: RunSpec): Promise<PreflightResult> {
  const client = new WorkerClient(forkWorker());
  onTestFinished(() => client.kill());
  return client.call('preflight', { spec }).promise;
}

async function runOn(modelDir: string, train: object, method: object = {}): Promise<RunSpec> {
  const spec = await tinyRun({ rows: ROWS, data: DATA, train: { batch: 8, ...train }, method: { rank: 8, ...method } });
  return { ...spec, model: { dir: modelDir, hash: hashOf(modelDir) } };
}

/** GPT-2's shape and head size, half its width, half its layers, a small vocabulary. */
function halfGpt2(): Promise<string> {
  return gpt2(384, 6);
}

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

/**
 * What an allocator keeps beyond living tensors differs a little from process to process, only ever upwards; so the
 * smaller peak of two processes is compared where the first does not fit.
 */
async function expectWithin20Percent(spec: RunSpec): Promise<PreflightResult> {
  const first = await ask(spec);
  const second = isWithin20Percent(first) ? first : await ask(spec);
  const best = second.peakBytes < first.peakBytes ? second : first;
  expectSumAndShare(best);
  return best;
}

function isWithin20Percent({ estimate, peakBytes }: PreflightResult): boolean {
  return Math.abs(estimate.totalBytes / peakBytes - 1) < 0.2;
}

function expectSumAndShare({ estimate, peakBytes }: PreflightResult): void {
  const { totalBytes, processBytes, weightBytes, trainableBytes, gradientBytes, momentBytes, activationBytes } =
    estimate;
  expect(processBytes + weightBytes + trainableBytes + gradientBytes + momentBytes + activationBytes).toBeCloseTo(
    totalBytes,
    -3,
  );
  expect(
    Math.abs(totalBytes / peakBytes - 1),
    `${Math.round(totalBytes / MIB)} MiB estimated, ${Math.round(peakBytes / MIB)} measured`,
  ).toBeLessThan(0.2);
}

describe('the estimate is within 20 % of the measured peak', () => {
  it.each([
    ['stories260K, LoRA', {}, {}],
    ['stories260K, LoRA, accumulated', { accumulate: 2, gradientCheckpointing: true }, {}],
    ['stories260K, every weight, larger batch', { batch: 20 }, { type: 'full' }],
  ])('%s', async (_, train, method) => {
    const spec = await runOn(MODEL, train, method);
    const result = await expectWithin20Percent(spec);
    expect(result.longest.longestRow).toBe(128);
    expect(result.stepMs).toBeGreaterThan(0);
    expect(result.evaluationMs).toBeGreaterThan(0);
    expect(filesBelow(spec.outDir)).toEqual([]);
    expect(filesBelow(spec.runDir)).toEqual([]);
  });

  it.each([
    ['LoRA', {}, {}],
    ['LoRA with recomputed blocks', { gradientCheckpointing: true }, {}],
    ['every weight', {}, { type: 'full' }],
  ])(
    'the shape of a small GPT-2, %s',
    async (_, train, method) => {
      await expectWithin20Percent(await runOn(await halfGpt2(), train, method));
    },
    120_000,
  );
});

it('says the largest batch, length and rank for a limit, which grow with it', async () => {
  const dir = await gpt2(192, 3);
  const at = async (memoryLimitBytes: number): Promise<PreflightResult> =>
    ask(await runOn(dir, { batch: 4, memoryLimitBytes }));
  const [narrow, wide] = [await at(320 * MIB), await at(600 * MIB)];
  for (const kind of ['batch', 'maxLength'] as const)
    expect(wide.largest[kind]!, kind).toBeGreaterThan(narrow.largest[kind]!);
  expect(wide.largest.rank).toBe(192); // the width: beyond it no rank is possible
  // The batch that is said to fit does, measured, and not by far.
  const spec = await runOn(dir, { batch: wide.largest.batch });
  fs.writeFileSync(spec.data.file, Array.from({ length: 3 * wide.largest.batch! }, () => ROWS[0]!).join('\n'));
  const { peakBytes } = await ask(spec);
  expect(peakBytes).toBeLessThan(1.1 * 600 * MIB);
  expect(peakBytes).toBeGreaterThan(0.7 * 600 * MIB);
}, 120_000);

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
