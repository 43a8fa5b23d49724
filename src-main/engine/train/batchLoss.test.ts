/** A padded batch must give what its rows give one by one, where there is no padding: loss, and gradient of A and B. */
import * as tf from '@tensorflow/tfjs-core';
import { beforeAll, expect, it } from 'vitest';
import { randomiseB } from '../../../test-support/fixtures/adapters.ts';
import { expectClose } from '../../../test-support/checks/expectClose.ts';
import { randomModel } from '../../../test-support/fixtures/randomModel.ts';
import { bootBackend } from '../backends/backends.ts';
import { createLora } from '../../methods/lora/lora.ts';
import { architectureFromConfig } from '../model/architecture.ts';
import { Random } from '../../../src-shared/random.ts';
import type { Batch } from './batchLoss.ts';
import { accumulateGradients } from './step.ts';

const LLAMA = architectureFromConfig({
  model_type: 'llama',
  hidden_size: 16,
  num_hidden_layers: 2,
  num_attention_heads: 4,
  num_key_value_heads: 2,
  intermediate_size: 24,
  vocab_size: 32,
  max_position_embeddings: 32,
});
const GPT2 = architectureFromConfig({
  model_type: 'gpt2',
  n_embd: 16,
  n_layer: 2,
  n_head: 4,
  vocab_size: 32,
  n_positions: 32,
  activation_function: 'gelu_new',
});
const LENGTHS = [5, 13, 2, 8];

/** Rows of the given lengths, right-padded, the last third of each labelled. */
function batchOf(lengths: number[], seed: number): Batch {
  const random = new Random(seed);
  const B = lengths.length;
  const T = Math.max(...lengths);
  const ids = new Int32Array(B * T);
  const labels = new Int32Array(B * T).fill(-100);
  const mask = new Int32Array(B * T);
  lengths.forEach((length, b) => {
    for (let t = 0; t < length; t++) {
      ids[b * T + t] = 1 + random.integer(31);
      mask[b * T + t] = 1;
      if (t >= (2 * length) / 3 || t === length - 1) labels[b * T + t] = ids[b * T + t]!;
    }
  });
  return { ids, labels, mask, B, T };
}

function row(batch: Batch, b: number): Batch {
  const start = b * batch.T;
  const end = start + LENGTHS[b]!;
  return {
    ids: batch.ids.slice(start, end),
    labels: batch.labels.slice(start, end),
    mask: batch.mask.slice(start, end),
    B: 1,
    T: LENGTHS[b]!,
  };
}

beforeAll(async () => void (await bootBackend('tensorflow')));

it.each([
  ['llama', LLAMA, 'gate'],
  ['gpt2', GPT2, 'fc'],
] as const)('%s: a padded batch equals its rows', async (_name, spec, target) => {
  const adapter = createLora(
    spec,
    { rank: 2, alpha: 4, dropout: 0, targets: ['q', 'v', 'o', target], init: 'kaiming' },
    1,
  );
  randomiseB(adapter, 5);
  const model = randomModel(spec, 3).with(adapter);
  const batch = batchOf(LENGTHS, 7);
  const together = accumulateGradients(model, adapter.parameters(), [batch]);
  const oneByOne = accumulateGradients(
    model,
    adapter.parameters(),
    LENGTHS.map((_, b) => row(batch, b)),
  );
  expectClose(await together.loss.data(), await oneByOne.loss.data(), { rtol: 1e-5, atol: 0 }, 'loss');
  for (const [i, gradient] of together.gradients.entries()) {
    const want = await oneByOne.gradients[i]!.data();
    const scale = Math.max(...want.map(Math.abs));
    expect(scale).toBeGreaterThan(0);
    expectClose(await gradient.data(), want, { rtol: 1e-4, atol: 1e-5 * scale }, adapter.parameters()[i]!.name);
  }
  tf.dispose([together.loss, oneByOne.loss, ...together.gradients, ...oneByOne.gradients]);
});
