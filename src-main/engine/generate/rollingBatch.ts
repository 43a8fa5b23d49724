/**
 * Decoding in passes that rows may join and leave between any two: a key/value cache for the rows under way, another
 * for each group of prompts that is being read, and the second joins the first once its prompts are read. Prompts are
 * padded on the left; each row has its own sampling state and end. What a row gets is what it would get alone.
 */
import * as tf from '@tensorflow/tfjs-core';
import { usageError } from '../../../src-shared/errors.ts';
import type { Decoder } from '../model/decoder.ts';
import { RecordedPass } from '../kernels/tensorflow/recording/recordedPass.ts';
import { KvCache } from '../model/kvCache.ts';
import type { TokenLikelihood } from './likelihood.ts';
import { lastLogits, nextTokens, type GenerateOptions, type Next } from './nextToken.ts';

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
  /** Tokens of prompts that are read in one pass, at least one of each row; default: all. */
  tokensPerPass?: number;
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

export class RollingBatch {
  private readonly model: Decoder;
  private readonly beforePass: (rows: number[], T: number) => void;
  private readonly tokensPerPass: number;
  private reading: Reading[] = [];
  private live: Live[] = [];
  private cache = new KvCache([]);
  /** The newest token of each live row, which the cache does not hold yet. */
  private newest: number[] = [];
  private readonly ended: BatchEvent[] = [];
  private readonly leaving = new Set<number>();
  private readonly recorded = new RecordedPass();

  constructor(model: Decoder, { beforePass = () => undefined, tokensPerPass = Infinity }: RollingOptions = {}) {
    this.model = model;
    this.beforePass = beforePass;
    this.tokensPerPass = tokensPerPass;
  }

  /** Whether a step has anything to do. */
  get isBusy(): boolean {
    return this.live.length > 0 || this.reading.length > 0 || this.ended.length > 0;
  }

  /** Rows under way, and tokens of the longest of them: what their keys and values take is the product. */
  get extent(): { rows: number; longest: number } {
    const groups = [
      { rows: this.live, T: this.cache.length },
      ...this.reading.map(({ rows, ids }) => ({ rows, T: ids[0]!.length })),
    ];
    return groups.reduce((sum, { rows, T }) => ({ rows: sum.rows + rows.length, longest: Math.max(sum.longest, T) }), {
      rows: 0,
      longest: 0,
    });
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
    const ids = this.model.continuing(cache, Int32Array.from(this.newest));
    this.beforePass(
      live.map(({ row }) => row),
      ids.length / live.length,
    );
    const next = await nextTokens(lastLogits(this.model, ids, cache, this.recorded), live);
    const going = this.record(live, next, events);
    this.keep(going);
    this.newest = going.map((i) => next[i]!.id);
  }

  private async readOn(events: BatchEvent[]): Promise<void> {
    const group = this.reading[0]!;
    const { rows, cache, ids, read } = group;
    const end = Math.min(ids[0]!.length, read + Math.max(1, Math.floor(this.tokensPerPass / rows.length)));
    const columns = new Int32Array(rows.length * (end - read));
    ids.forEach((one, i) => columns.set(one.subarray(read, end), i * (end - read)));
    const part = this.model.continuing(cache, columns);
    const T = part.length / rows.length;
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
      this.recorded.forget();
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
    this.recorded.forget();
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

/** Throws EMPTY_PROMPT, and PROMPT_TOO_LONG where nothing can follow it. */
export function checkPrompt(prompt: Pick<ArrayLike<number>, 'length'>, maxPositions: number): void {
  if (prompt.length === 0) throw usageError('EMPTY_PROMPT', 'The prompt has no tokens; type at least one word.');
  if (prompt.length < maxPositions) return;
  throw usageError(
    'PROMPT_TOO_LONG',
    `The prompt has ${prompt.length} tokens, but this model sees at most ${maxPositions}; shorten it.`,
    { tokens: prompt.length, maxPositions },
  );
}
