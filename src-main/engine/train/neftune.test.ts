import * as tf from '@tensorflow/tfjs-core';
import { beforeAll, expect, it } from 'vitest';
import { randomModel } from '../../../test-support/fixtures/randomModel.ts';
import { bootBackend } from '../backends/backends.ts';
import { architectureFromConfig } from '../model/architecture.ts';
import { packedIndex, packingOf } from '../model/packing.ts';
import { Random } from '../../../src-shared/random.ts';
import type { InputNoise } from '../model/forwardOptions.ts';
import { neftuneNoise } from './neftune.ts';

const C = 16;
const SPEC = architectureFromConfig({
  model_type: 'llama',
  hidden_size: C,
  num_hidden_layers: 1,
  num_attention_heads: 4,
  num_key_value_heads: 2,
  intermediate_size: 24,
  vocab_size: 32,
  max_position_embeddings: 128,
});
const LENGTHS = [100, 4];
const ALPHA = 5;

beforeAll(async () => void (await bootBackend('tensorflow')));

/** Noise that a forward pass over a padded batch gets, (N, C). */
async function noiseOf(seed: number): Promise<{ noise: Float32Array; hidden: Float32Array }> {
  const model = randomModel(SPEC, 1);
  let noise: tf.Tensor | undefined;
  const add = neftuneNoise(ALPHA, new Random(seed));
  const inputNoise: InputNoise = (x, rows) => {
    const noisy = add(x, rows);
    noise = tf.keep(tf.sub(noisy, x));
    return noisy;
  };
  const mask = Int32Array.from({ length: 200 }, (_, i) => Number(i % 100 < LENGTHS[Math.floor(i / 100)]!));
  const index = packedIndex(mask);
  const h = tf.tidy(() =>
    model.hidden(
      index.tokens.map((place) => place % 32),
      2,
      100,
      { packing: packingOf(index, 100), inputNoise },
    ),
  );
  const result = { noise: (await noise!.data()) as Float32Array, hidden: (await h.data()) as Float32Array };
  tf.dispose([noise!, h]);
  model.dispose();
  return result;
}

it('is uniform within alpha/sqrt(L C) of each row, L its real tokens, and the same for the same seed', async () => {
  const { noise, hidden } = await noiseOf(1);
  let at = 0;
  for (const length of LENGTHS) {
    const bound = ALPHA / Math.sqrt(length * C);
    const row = noise.subarray(at, (at += length * C));
    const largest = row.reduce((most, value) => Math.max(most, Math.abs(value)), 0);
    expect(largest).toBeLessThanOrEqual(bound * (1 + 1e-5));
    expect(largest).toBeGreaterThan(0.9 * bound);
    const variance = row.reduce((sum, value) => sum + value ** 2, 0) / row.length;
    expect(variance / (bound ** 2 / 3)).toBeCloseTo(1, length > 10 ? 1 : 0); // 1600 samples, and 64
  }
  expect(at).toBe(noise.length);
  const [again, other] = [await noiseOf(1), await noiseOf(2)];
  expect(again.hidden).toEqual(hidden);
  expect(other.hidden).not.toEqual(hidden);
});
