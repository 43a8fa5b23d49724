/** One pass of the model, and what each row takes from its logits. */
import * as tf from '@tensorflow/tfjs-core';
import type { Decoder } from '../model/decoder.ts';
import type { KvCache } from '../model/kvCache.ts';
import type { RecordedPass } from '../kernels/tensorflow/recording/recordedPass.ts';
import type { Random } from '../../../src-shared/random.ts';
import { tokenLikelihood, type TokenLikelihood } from './likelihood.ts';
import { penalised, sampleToken, type SamplingOptions } from './sample.ts';

export interface GenerateOptions extends SamplingOptions {
  maxNew: number;
  /** Ids that end the text; not yielded. */
  eosIds: number[];
  random: Random;
  /** How many of the likeliest tokens to name with every new one; absent or 0: none, and no likelihood either. */
  likeliest?: number | undefined;
}

interface Asking {
  options: GenerateOptions;
  /** Ids that the penalty counts as seen. */
  seen: ReadonlySet<number>;
}

export interface Next {
  id: number;
  likelihood?: TokenLikelihood;
}

/**
 * The next token of each row by its logits, (B, V), which it frees. Greedy choices are made on the device where nobody
 * asks for more.
 */
export async function nextTokens(logits: tf.Tensor2D, rows: Asking[]): Promise<Next[]> {
  const V = logits.shape[1];
  if (rows.every(({ options }) => isPlainGreedy(options))) {
    const best = tf.tidy(() => tf.argMax(logits, -1));
    const values = await best.data();
    tf.dispose([logits, best]);
    return Array.from(values, (id) => ({ id }));
  }
  const values = (await logits.data()) as Float32Array;
  logits.dispose();
  return rows.map((one, i) => nextToken(values.subarray(i * V, (i + 1) * V), one));
}

function isPlainGreedy({ temperature, repetitionPenalty = 1, likeliest = 0 }: GenerateOptions): boolean {
  return temperature === 0 && repetitionPenalty === 1 && likeliest === 0;
}

function nextToken(logits: Float32Array, { options, seen }: Asking): Next {
  const id = sampleToken(penalised(logits, seen, options.repetitionPenalty), options, options.random);
  return options.likeliest ? { id, likelihood: tokenLikelihood(logits, id, options.likeliest) } : { id };
}

/**
 * Logits (B, V) for the tokens after `ids` (B·T), which continue the cache. `recorded`: what runs passes over one token
 * of each row, as long as the rows are the same.
 */
export function lastLogits(model: Decoder, ids: Int32Array, cache: KvCache, recorded?: RecordedPass): tf.Tensor2D {
  const B = cache.padding.length;
  const T = ids.length / B;
  return tf.tidy(() => {
    const entry = model.enter(ids, B, T, { cache });
    const logits = (): tf.Tensor2D => model.logits(lastOfEach(model.through(entry), B, T));
    const isAlike = T === 1 && cache.hasRoom(T);
    const result = recorded && isAlike ? recorded.call([...entry.tensors, ...cache.tensors], logits) : logits();
    model.leave(entry);
    return result as tf.Tensor2D;
  });
}

/** Of B rows of T tokens each the last token's, h: (B·T, C). Returns (B, C). */
function lastOfEach(h: tf.Tensor2D, B: number, T: number): tf.Tensor2D {
  if (T === 1) return h;
  const places = Int32Array.from({ length: B }, (_, row) => row * T + T - 1);
  return tf.gather(h, tf.tensor1d(places, 'int32'));
}
