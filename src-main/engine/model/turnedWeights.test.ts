/**
 * A model loaded only to answer turns its matrices where that is faster; its logits are those of the one that can be
 * trained.
 */
import * as tf from '@tensorflow/tfjs-core';
import { beforeAll, expect, it } from 'vitest';
import { expectedTensors } from '../../basemodel/expectedTensors.ts';
import { randomiseB } from '../../../test-support/fixtures/adapters.ts';
import { expectClose } from '../../../test-support/checks/expectClose.ts';
import { bootBackend } from '../backends/backends.ts';
import { createLora } from '../../methods/lora/lora.ts';
import { Random } from '../../../src-shared/random.ts';
import { architectureFromConfig, type ArchitectureSpec } from './architecture.ts';
import { Decoder } from './decoder.ts';
import { countParameters } from './parameters.ts';
import { loadWeights, type TensorSource } from './weights.ts';

const LLAMA = architectureFromConfig({
  model_type: 'llama',
  hidden_size: 24,
  num_hidden_layers: 2,
  num_attention_heads: 4,
  num_key_value_heads: 2,
  intermediate_size: 40,
  vocab_size: 32,
  max_position_embeddings: 32,
});
const GPT2 = architectureFromConfig({
  model_type: 'gpt2',
  n_embd: 24,
  n_layer: 2,
  n_head: 4,
  vocab_size: 32,
  n_positions: 32,
  activation_function: 'gelu_new',
});

function source(spec: ArchitectureSpec): TensorSource {
  const entries = expectedTensors(spec, {}).filter(({ optional }) => !optional);
  return {
    tensors: new Map(entries.map(({ name, shape }) => [name, { shape }])),
    readF32: (name) =>
      Random.stream(4, name).normal(
        entries.find((entry) => entry.name === name)!.shape.reduce((a, b) => a * b, 1),
        0.2,
      ),
  };
}

beforeAll(async () => void (await bootBackend('tensorflow')));

it.each([
  ['llama', LLAMA, true],
  ['gpt2', GPT2, false],
] as const)('%s', async (_name, spec, turns) => {
  const ids = Int32Array.from({ length: 14 }, (_, i) => (5 * i) % 32);
  const adapter = createLora(spec, { rank: 2, alpha: 4, dropout: 0, targets: ['q', 'v', 'o'], init: 'kaiming' }, 1);
  randomiseB(adapter, 5);
  const before = tf.memory().numTensors;
  const logits: Float32Array[] = [];
  const counts: number[] = [];
  for (const forwardOnly of [false, true]) {
    const weights = loadWeights(spec, source(spec), { forwardOnly });
    expect([...weights.values()].some(({ turned }) => turned)).toBe(forwardOnly && turns);
    const model = new Decoder(spec, weights).with(adapter);
    logits.push(tf.tidy(() => model.logits(model.hidden(ids, 2, 7)).dataSync() as Float32Array));
    counts.push(countParameters(weights.values()));
    model.dispose();
  }
  expectClose(logits[1]!, logits[0]!, { rtol: 1e-5, atol: 1e-5 }, 'logits');
  expect(counts[1]).toBe(counts[0]);
  expect(tf.memory().numTensors).toBe(before);
});
