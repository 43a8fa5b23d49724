/** Token-by-token decoding with a key/value cache, batch of one. */
import * as tf from '@tensorflow/tfjs-core';
import { usageError } from '../../errors.ts';
import type { Decoder } from '../model/decoder.ts';
import { KvCache } from '../model/kvCache.ts';
import type { Random } from '../random.ts';
import { sampleToken, type SamplingOptions } from './sample.ts';

export interface GenerateOptions extends SamplingOptions {
  maxNew: number;
  /** Ids that end the text; not yielded. */
  eosIds: number[];
  random: Random;
}

/**
 * Yields new token ids until `maxNew`, an end token, or the model's longest sequence is reached.
 * Frees its cache when it ends or the caller stops iterating. Throws on an empty or too long prompt.
 */
export async function* generateTokens(model: Decoder, prompt: ArrayLike<number>, options: GenerateOptions): AsyncGenerator<number, 'length' | 'eos'> {
  const { maxPositions } = model.spec;
  if (prompt.length === 0) throw usageError('EMPTY_PROMPT', 'The prompt has no tokens; type at least one word.');
  if (prompt.length >= maxPositions) {
    throw usageError('PROMPT_TOO_LONG', `The prompt has ${prompt.length} tokens, but this model sees at most ${maxPositions}; shorten it.`, { tokens: prompt.length, maxPositions });
  }
  const cache = new KvCache();
  try {
    let input = Int32Array.from(prompt);
    for (let i = 0; i < options.maxNew && cache.length + input.length <= maxPositions; i++) {
      const id = sampleToken(await nextLogits(model, input, cache), options, options.random);
      if (options.eosIds.includes(id)) return 'eos';
      yield id;
      input = Int32Array.of(id);
    }
    return 'length';
  } finally {
    cache.dispose();
  }
}

/** Logits (V) for the token after `ids`, which continue the cache. */
export async function nextLogits(model: Decoder, ids: Int32Array, cache: KvCache): Promise<Float32Array> {
  const T = ids.length;
  const logits = tf.tidy(() => {
    const h = model.hidden(tf.tensor1d(ids, 'int32'), 1, T, { cache }); // (T, C)
    return model.logits(tf.slice(h, [T - 1, 0], [1, model.spec.hidden]));
  });
  const values = (await logits.data()) as Float32Array;
  logits.dispose();
  return values;
}
