/** Leaving the padding out must not change a training: 200 steps with it and without it, the same losses all along. */
import * as tf from '@tensorflow/tfjs-core';
import { beforeAll, expect, it } from 'vitest';
import { expectClose } from '../../../test-support/checks/expectClose.ts';
import { randomModel } from '../../../test-support/fixtures/randomModel.ts';
import { bootBackend } from '../backends/backends.ts';
import { createLora } from '../../methods/lora/lora.ts';
import { architectureFromConfig } from '../model/architecture.ts';
import { packedIndex, packingOf } from '../model/packing.ts';
import { AdamW } from '../optim/adamw.ts';
import { scheduleFactor } from '../../../src-shared/schedule.ts';
import { Random } from '../../../src-shared/random.ts';
import type { Batch } from './batchLoss.ts';
import { trainStep } from './step.ts';

const STEPS = 200;
const WARMUP = 10;
const LENGTHS = [3, 16, 7, 11];
const SPEC = architectureFromConfig({
  model_type: 'llama',
  hidden_size: 16,
  num_hidden_layers: 2,
  num_attention_heads: 4,
  num_key_value_heads: 2,
  intermediate_size: 24,
  vocab_size: 32,
  max_position_embeddings: 32,
});

/** Rows that count upwards from a random start, right-padded, every token labelled: something a LoRA can learn. */
function countingBatch(seed: number): Batch {
  const random = new Random(seed);
  const B = LENGTHS.length;
  const T = Math.max(...LENGTHS);
  const batch = {
    ids: new Int32Array(B * T),
    labels: new Int32Array(B * T).fill(-100),
    mask: new Int32Array(B * T),
    B,
    T,
  };
  LENGTHS.forEach((length, b) => {
    const first = random.integer(SPEC.vocab);
    for (let t = 0; t < length; t++) {
      batch.ids[b * T + t] = batch.labels[b * T + t] = (first + t) % SPEC.vocab;
      batch.mask[b * T + t] = 1;
    }
  });
  return batch;
}

/**
 * The same batch with its padding taken for tokens, so that every position is computed; the padding carries no label.
 */
function unpacked(batch: Batch): Batch {
  return { ...batch, mask: new Int32Array(batch.mask.length).fill(1) };
}

async function losses(batchOf: (step: number) => Batch): Promise<number[]> {
  const adapter = createLora(
    SPEC,
    { rank: 4, alpha: 8, dropout: 0, targets: ['q', 'k', 'v', 'o', 'gate', 'up', 'down'], init: 'kaiming' },
    1,
  );
  const model = randomModel(SPEC, 3).with(adapter);
  const optimizer = new AdamW(adapter.parameters(), { beta1: 0.9, beta2: 0.999, eps: 1e-8, weightDecay: 0.01 });
  const values: number[] = [];
  for (let step = 0; step < STEPS; step++) {
    const lr = 5e-3 * scheduleFactor('linear', step, WARMUP, STEPS);
    values.push((await trainStep(model, adapter.parameters(), optimizer, [batchOf(step)], { lr, clip: 1 })).loss);
  }
  optimizer.dispose();
  adapter.dispose();
  model.dispose();
  return values;
}

beforeAll(async () => void (await bootBackend('tensorflow')));

it('200 packed steps lose what 200 unpacked ones do', { timeout: 240_000 }, async () => {
  const packingIn = ({ mask, T }: Batch): boolean => tf.tidy(() => packingOf(packedIndex(mask), T) !== undefined);
  expect([packingIn(countingBatch(0)), packingIn(unpacked(countingBatch(0)))]).toEqual([true, false]);
  const packed = await losses(countingBatch);
  const padded = await losses((step) => unpacked(countingBatch(step)));
  expectClose(packed, padded, { rtol: 1e-4, atol: 0 }, 'losses');
  expect(packed.at(-1)!).toBeLessThan(0.5 * packed[0]!);
});
