/**
 * Decoding in passes that rows may join and leave between any two: a key/value cache for the rows under way, another
 * for each group of prompts that is being read, and the second joins the first once its prompts are read. Prompts are
 * padded on the left; each row has its own sampling state and end. What a row gets is what it would get alone.
 */
import * as tf from '@tensorflow/tfjs-core';
import { usageError } from '../../../src-shared/errors.ts';
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

/** A new token of a row, or how the row ended; `row` is the number that it was given. */
export type BatchEvent =
  { row: number; id: number; likelihood?: TokenLikelihood } | { row: number; end: 'length' | 'eos' };

/** A row with a number that no other row of the batch has at the same time. */
export interface NumberedRow extends BatchRow {
  row: number;
}

export interface RollingOptions {
  /** Before a pass over T tokens of each of these rows, one row after the other. */
  beforePass?: (rows: number[], T: number) => void;
  /** Columns of prompts that are read in one pass; default: all. */
  chunk?: number;
}

/** A row under way. */
interface Live extends NumberedRow {
  /** Tokens yielded so far. */
  count: number;
  /** Ids of the prompt and of what has been yielded, where a penalty asks for them. */
  seen: Set<number>;
}

/** Prompts that are being read together. */
interface Reading {
  rows: Live[];
  cache: KvCache;
  /** (B, T), 0 for padding. */
  ids: Int32Array[];
  /** Columns read. */
  read: number;
}

interface Next {
  id: number;
  likelihood?: TokenLikelihood;
}

export class RollingBatch {
  private readonly model: Decoder;
  private readonly beforePass: (rows: number[], T: number) => void;
  private readonly chunk: number;
  private reading: Reading[] = [];
  private live: Live[] = [];
  private cache = new KvCache([]);
  /** The newest token of each live row, which the cache does not hold yet. */
  private newest: number[] = [];
  private readonly ended: BatchEvent[] = [];
  private readonly leaving = new Set<number>();

  constructor(model: Decoder, { beforePass = () => undefined, chunk = Infinity }: RollingOptions = {}) {
    this.model = model;
    this.beforePass = beforePass;
    this.chunk = chunk;
  }

  /** Whether a step has anything to do. */
  get isBusy(): boolean {
    return this.live.length > 0 || this.reading.length > 0 || this.ended.length > 0;
  }

  /** Columns of keys and values that the rows take now, all rows together. */
  get columns(): number {
    return [
      ...this.reading.map(({ rows, ids }) => rows.length * (ids[0]?.length ?? 0)),
      this.live.length * this.cache.length,
    ].reduce((sum, columns) => sum + columns, 0);
  }

  /** Rows that join, their prompts read together; throws on an empty or too long prompt, and then none joins. */
  enter(rows: NumberedRow[]): void {
    rows.forEach(({ prompt }) => checkPrompt(prompt, this.model.spec.maxPositions));
    for (const { row, options } of rows) if (options.maxNew === 0) this.ended.push({ row, end: 'length' });
    const going = rows
      .filter(({ options }) => options.maxNew > 0)
      .map((row) => ({ ...row, count: 0, seen: new Set(Array.from(row.prompt)) }));
    if (going.length === 0) return;
    const T = going.reduce((longest, { prompt }) => Math.max(longest, prompt.length), 0);
    const ids = going.map(({ prompt }) => {
      const padded = new Int32Array(T);
      padded.set(Array.from(prompt), T - prompt.length);
      return padded;
    });
    const cache = new KvCache(going.map(({ prompt }) => T - prompt.length));
    this.reading.push({ rows: going, cache, ids, read: 0 });
  }

  /** Takes a row out; it gets no more events. */
  leave(row: number): void {
    this.leaving.add(row);
  }

  /** One more token of every live row, and one more pass over the prompts that came first. */
  async step(): Promise<BatchEvent[]> {
    this.takeOut();
    const events = this.ended.splice(0);
    if (this.live.length > 0) await this.continueLive(events);
    if (this.reading.length > 0) await this.readOn(events);
    return events;
  }

  dispose(): void {
    this.cache.dispose();
    for (const { cache } of this.reading) cache.dispose();
    this.live = [];
    this.reading = [];
  }

  private async continueLive(events: BatchEvent[]): Promise<void> {
    const { live, cache } = this;
    this.beforePass(
      live.map(({ row }) => row),
      1,
    );
    const next = await nextTokens(lastLogits(this.model, Int32Array.from(this.newest), cache), live);
    const going = this.record(live, next, events);
    this.keep(going);
    this.newest = going.map((i) => next[i]!.id);
  }

  private async readOn(events: BatchEvent[]): Promise<void> {
    const group = this.reading[0]!;
    const { rows, cache, ids, read } = group;
    const end = Math.min(ids[0]!.length, read + this.chunk);
    const T = end - read;
    const part = new Int32Array(rows.length * T);
    ids.forEach((one, i) => part.set(one.subarray(read, end), i * T));
    this.beforePass(
      rows.map(({ row }) => row),
      T,
    );
    group.read = end;
    if (end < ids[0]!.length) return tf.tidy(() => void this.model.hidden(part, rows.length, T, { cache }));
    this.reading.shift();
    try {
      const next = await nextTokens(lastLogits(this.model, part, cache), rows);
      const going = this.record(rows, next, events);
      if (going.length === 0) return;
      if (going.length < rows.length) cache.keepRows(going);
      this.cache.join(cache);
      this.live.push(...going.map((i) => rows[i]!));
      this.newest.push(...going.map((i) => next[i]!.id));
    } finally {
      cache.dispose();
    }
  }

  /** Tells of each row's new token; returns the indices of those that go on. */
  private record(rows: Live[], next: Next[], events: BatchEvent[]): number[] {
    const { maxPositions } = this.model.spec;
    const going: number[] = [];
    for (const [i, one] of rows.entries()) {
      const { id, likelihood } = next[i]!;
      const { row, prompt, options } = one;
      if (options.eosIds.includes(id)) {
        events.push({ row, end: 'eos' });
        continue;
      }
      events.push({ row, id, ...(likelihood ? { likelihood } : {}) });
      one.count++;
      one.seen.add(id);
      if (one.count < options.maxNew && prompt.length + one.count <= maxPositions) going.push(i);
      else events.push({ row, end: 'length' });
    }
    return going;
  }

  /** Of the live rows only these. */
  private keep(going: number[]): void {
    if (going.length === this.live.length) return;
    if (going.length > 0) this.cache.keepRows(going);
    else {
      this.cache.dispose();
      this.cache = new KvCache([]);
    }
    this.live = going.map((i) => this.live[i]!);
  }

  private takeOut(): void {
    if (this.leaving.size === 0) return;
    const stays = ({ row }: { row: number }): boolean => !this.leaving.has(row);
    const indices = (rows: Live[]): number[] => rows.flatMap((one, i) => (stays(one) ? [i] : []));
    const staying = indices(this.live);
    this.newest = staying.map((i) => this.newest[i]!);
    this.keep(staying);
    this.ended.splice(0, this.ended.length, ...this.ended.filter(stays));
    this.reading = this.reading.filter((group) => {
      const kept = indices(group.rows);
      if (kept.length < group.rows.length && kept.length > 0) this.keepReading(group, kept);
      if (kept.length === 0) group.cache.dispose();
      return kept.length > 0;
    });
    this.leaving.clear();
  }

  /** A group of prompts without some of its rows, and without columns that are padding in all that stay. */
  private keepReading(group: Reading, kept: number[]): void {
    const before = group.cache.length;
    group.rows = kept.map((i) => group.rows[i]!);
    group.ids = kept.map((i) => group.ids[i]!);
    if (group.read === 0) return this.restart(group);
    group.cache.keepRows(kept);
    const cut = before - group.cache.length;
    group.ids = group.ids.map((ids) => ids.subarray(cut));
    group.read -= cut;
  }

  private restart(group: Reading): void {
    const T = group.rows.reduce((longest, { prompt }) => Math.max(longest, prompt.length), 0);
    group.ids = group.ids.map((ids) => ids.subarray(ids.length - T));
    group.cache = new KvCache(group.rows.map(({ prompt }) => T - prompt.length));
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

/** The next token of each row by its logits, (B, V), which it frees. Greedy choices are made on the device where
 * nobody asks for more.
 */
async function nextTokens(logits: tf.Tensor2D, rows: Live[]): Promise<Next[]> {
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
