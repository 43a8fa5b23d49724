/**
 * Token-by-token decoding of several prompts at once, with a key/value cache. Prompts are padded on the left; each row
 * has its own adapter, sampling state and end, and leaves the batch when it is done. What a row gets is what it would
 * get alone.
 */
import * as tf from '@tensorflow/tfjs-core';
import { usageError } from '../../../src-shared/errors.ts';
import type { Attachment } from '../model/attachment.ts';
import type { Decoder } from '../model/decoder.ts';
import { KvCache } from '../model/kvCache.ts';
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

export interface BatchRow {
  prompt: ArrayLike<number>;
  options: GenerateOptions;
}

/** A new token of a row, or how the row ended; `row` is its index in the request. */
export type BatchEvent =
  { row: number; id: number; likelihood?: TokenLikelihood } | { row: number; end: 'length' | 'eos' };

/** A row under way. */
interface Live extends BatchRow {
  row: number;
  /** Tokens yielded so far. */
  count: number;
  /** Ids of the prompt and of what has been yielded, where a penalty asks for them. */
  seen: Set<number>;
}

interface Next {
  id: number;
  likelihood?: TokenLikelihood;
}

/**
 * Decodes all rows together with the adapter that the model has. Frees its cache when it ends or the caller stops
 * iterating. Throws on an empty or too long prompt.
 */
export async function* generateBatch(model: Decoder, rows: BatchRow[]): AsyncGenerator<BatchEvent, void> {
  yield* decode(model, rows, () => undefined);
}

/** An attachment that treats each row of a batch in its own way. */
export interface RowAttachment extends Attachment {
  /** Before a pass over T tokens of each of these rows (indices into the request), one row after the other. */
  assign(rows: number[], T: number): void;
  dispose(): void;
}

/** The same with `mixed` instead of the model's adapter; disposes it in the end. */
export async function* generateMixed(
  model: Decoder,
  rows: BatchRow[],
  mixed: RowAttachment,
): AsyncGenerator<BatchEvent, void> {
  try {
    yield* decode(model.with(mixed), rows, (live, T) =>
      mixed.assign(
        live.map(({ row }) => row),
        T,
      ),
    );
  } finally {
    mixed.dispose();
  }
}

async function* decode(
  model: Decoder,
  rows: BatchRow[],
  beforePass: (live: Live[], T: number) => void,
): AsyncGenerator<BatchEvent, void> {
  const { maxPositions } = model.spec;
  rows.forEach(({ prompt }) => checkPrompt(prompt, maxPositions));
  let live: Live[] = rows
    .map((row, i) => ({ ...row, row: i, count: 0, seen: new Set(Array.from(row.prompt)) }))
    .filter(({ options }) => options.maxNew > 0);
  for (const [row, { options }] of rows.entries()) if (options.maxNew === 0) yield { row, end: 'length' };
  const T = live.reduce((longest, { prompt }) => Math.max(longest, prompt.length), 0);
  let ids = leftPadded(live, T);
  const cache = new KvCache(live.map(({ prompt }) => T - prompt.length));
  try {
    while (live.length > 0) {
      beforePass(live, ids.length / live.length);
      const next = await nextTokens(model, ids, cache, live);
      const going: number[] = [];
      for (const [i, one] of live.entries()) {
        const { id, likelihood } = next[i]!;
        const { row, prompt, options } = one;
        if (options.eosIds.includes(id)) {
          yield { row, end: 'eos' };
          continue;
        }
        yield { row, id, ...(likelihood ? { likelihood } : {}) };
        one.count++;
        one.seen.add(id);
        if (one.count < options.maxNew && prompt.length + one.count <= maxPositions) going.push(i);
        else yield { row, end: 'length' };
      }
      if (going.length < live.length && going.length > 0) cache.keepRows(going);
      live = going.map((i) => live[i]!);
      ids = Int32Array.from(going, (i) => next[i]!.id);
    }
  } finally {
    cache.dispose();
  }
}

function checkPrompt(prompt: ArrayLike<number>, maxPositions: number): void {
  if (prompt.length === 0) throw usageError('EMPTY_PROMPT', 'The prompt has no tokens; type at least one word.');
  if (prompt.length < maxPositions) return;
  throw usageError(
    'PROMPT_TOO_LONG',
    `The prompt has ${prompt.length} tokens, but this model sees at most ${maxPositions}; shorten it.`,
    { tokens: prompt.length, maxPositions },
  );
}

/** (B·T) ids, 0 for padding. */
function leftPadded(live: Live[], T: number): Int32Array {
  const ids = new Int32Array(live.length * T);
  live.forEach(({ prompt }, i) => ids.set(Array.from(prompt), (i + 1) * T - prompt.length));
  return ids;
}

/**
 * The next token of each row after `ids` (B·T), which continue the cache. Greedy choices are made on the device where
 * nobody asks for more.
 */
async function nextTokens(model: Decoder, ids: Int32Array, cache: KvCache, live: Live[]): Promise<Next[]> {
  const logits = lastLogits(model, ids, cache);
  if (live.every(({ options }) => isPlainGreedy(options))) {
    const best = tf.tidy(() => tf.argMax(logits, -1));
    const values = await best.data();
    tf.dispose([logits, best]);
    return Array.from(values, (id) => ({ id }));
  }
  const values = (await logits.data()) as Float32Array;
  logits.dispose();
  const V = model.spec.vocab;
  return live.map((one, i) => nextToken(values.subarray(i * V, (i + 1) * V), one));
}

function isPlainGreedy({ temperature, repetitionPenalty = 1, likeliest = 0 }: GenerateOptions): boolean {
  return temperature === 0 && repetitionPenalty === 1 && likeliest === 0;
}

function nextToken(logits: Float32Array, { options, seen }: Live): Next {
  const id = sampleToken(penalised(logits, seen, options.repetitionPenalty), options, options.random);
  return options.likeliest ? { id, likelihood: tokenLikelihood(logits, id, options.likeliest) } : { id };
}

/** Logits (B, V) for the tokens after `ids` (B·T), which continue the cache. */
export function lastLogits(model: Decoder, ids: Int32Array, cache: KvCache): tf.Tensor2D {
  const B = cache.padding.length;
  const T = ids.length / B;
  return tf.tidy(() => {
    const h = model.hidden(ids, B, T, { cache }); // (B·T, C)
    return model.logits(
      T === 1
        ? h
        : tf.gather(
            h,
            tf.tensor1d(
              Int32Array.from({ length: B }, (_, row) => row * T + T - 1),
              'int32',
            ),
          ),
    );
  });
}
