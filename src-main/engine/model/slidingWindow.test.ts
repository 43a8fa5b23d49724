/** Sliding windows: which config.json asks for one, and how far a model with one looks back. */
import * as tf from '@tensorflow/tfjs-core';
import { beforeAll, describe, expect, it } from 'vitest';
import { expectClose, maxAbsDifference } from '../../../test-support/checks/expectClose.ts';
import { randomModel } from '../../../test-support/fixtures/randomModel.ts';
import { bootBackend } from '../backends/backends.ts';
import { lastLogits } from '../generate/generate.ts';
import { architectureFromConfig, windowOf, type ModelConfig } from './architecture.ts';
import type { Decoder } from './decoder.ts';
import { KvCache } from './kvCache.ts';

const TINY = {
  hidden_size: 16,
  num_hidden_layers: 3,
  num_attention_heads: 4,
  num_key_value_heads: 2,
  intermediate_size: 24,
  vocab_size: 32,
  max_position_embeddings: 64,
};
const windows = (config: ModelConfig): number[] => {
  const spec = architectureFromConfig({ ...TINY, ...config });
  return Array.from({ length: spec.layers }, (_, layer) => windowOf(spec, layer));
};

describe('config.json', () => {
  it.each<[string, ModelConfig, number[]]>([
    ["Mistral's window", { model_type: 'mistral', sliding_window: 8 }, [8, 8, 8]],
    ['null is none', { model_type: 'mistral', sliding_window: null }, [0, 0, 0]],
    ['absent is 4096 for Mistral', { model_type: 'mistral', max_position_embeddings: 8192 }, [4096, 4096, 4096]],
    ['as long as the longest sequence is none', { model_type: 'mistral', sliding_window: 64 }, [0, 0, 0]],
    ['Qwen2 without use_sliding_window', { model_type: 'qwen2', sliding_window: 8 }, [0, 0, 0]],
    [
      'Qwen2 from max_window_layers on',
      { model_type: 'qwen2', sliding_window: 8, use_sliding_window: true, max_window_layers: 1 },
      [0, 8, 8],
    ],
    ['Llama has none', { model_type: 'llama', sliding_window: 8 }, [0, 0, 0]],
  ])('%s', (_, config, want) => expect(windows(config)).toEqual(want));

  it('refuses a window that is no number', () => {
    expect(() => windows({ model_type: 'mistral', sliding_window: 'wide' })).toThrow(
      expect.objectContaining({
        code: 'BAD_CONFIG',
        message: expect.stringMatching(/sliding_window is "wide"/) as string,
      }),
    );
  });
});

describe('a model of one layer with a window of 3', () => {
  beforeAll(async () => void (await bootBackend('tensorflow')));
  const ids = [1, 5, 9, 30, 2, 7, 4];
  const model = (): Decoder =>
    randomModel(architectureFromConfig({ ...TINY, model_type: 'mistral', num_hidden_layers: 1, sliding_window: 3 }), 1);
  const logitsOf = async (decoder: Decoder, tokens: number[]): Promise<Float32Array> => {
    const logits = tf.tidy(() => decoder.logits(decoder.hidden(tokens, 1, tokens.length)));
    const values = (await logits.data()) as Float32Array;
    logits.dispose();
    return values;
  };
  const at = (logits: Float32Array, t: number): Float32Array => logits.subarray(32 * t, 32 * (t + 1));

  it('sees the token two back, and none before', async () => {
    const decoder = model();
    const [before, after] = [await logitsOf(decoder, ids), await logitsOf(decoder, [ids[0]!, 11, ...ids.slice(2)])];
    expect(maxAbsDifference(at(after, 0), at(before, 0))).toBe(0);
    for (const t of [1, 2, 3]) expect(maxAbsDifference(at(after, t), at(before, t)), String(t)).toBeGreaterThan(1e-4);
    for (const t of [4, 5, 6]) expect(maxAbsDifference(at(after, t), at(before, t)), String(t)).toBeLessThan(1e-6);
    decoder.dispose();
  });

  it('gives the same with the cache, token by token', async () => {
    const decoder = model();
    const all = await logitsOf(decoder, ids);
    const cache = new KvCache();
    for (const [t, id] of ids.entries()) {
      const logits = lastLogits(decoder, Int32Array.of(id), cache);
      expectClose(await logits.data(), at(all, t), { rtol: 1e-4, atol: 1e-5 }, String(t));
      logits.dispose();
    }
    cache.dispose();
    decoder.dispose();
  });
});
