/**
 * Keys and values of the tokens seen so far, per layer, each (B, K, S, D), for B rows that grow together. Rows with
 * shorter prompts are padded on the left, so that the newest tokens of all rows stand in one column.
 */
import * as tf from '@tensorflow/tfjs-core';
import { cacheWrite, rowsOfColumns, writesInPlace } from '../ops/cacheWrite.ts';

/** Columns that are added at once where a backend writes in place. */
const BLOCK = 64;

export class KvCache {
  /** Columns of padding in front of each row. */
  padding: number[];
  /** Columns filled, padding included, once every layer has been extended. */
  length = 0;
  /** Of each row, padding included, where `remember` is told of them. */
  private ids: number[][] = [];
  private keys: tf.Tensor4D[] = [];
  private values: tf.Tensor4D[] = [];

  constructor(padding: number[] = [0]) {
    this.padding = padding;
  }

  /** S of what `extend` returns for T more tokens; columns beyond them are zeros that nobody may see. */
  width(T: number): number {
    const columns = this.length + T;
    return writesInPlace() ? BLOCK * Math.ceil(columns / BLOCK) : columns;
  }

  /** Whether T more tokens find room in what there is. */
  hasRoom(T: number): boolean {
    return this.keys[0]?.shape[2] === this.width(T);
  }

  /** Keys and values of all layers. */
  get tensors(): tf.Tensor4D[] {
    return [...this.keys, ...this.values];
  }

  /** `rows` of `cacheWrite` for T more tokens, K: key heads. Call it under tidy. */
  rowsFor(T: number, K: number): tf.Tensor1D {
    return rowsOfColumns([this.padding.length * K, this.width(T)], this.length, T);
  }

  /** (B·T) int32: positions of T more tokens in their rows; 0 for padding. Call it under tidy. */
  positions(T: number): tf.Tensor1D {
    const { padding, length } = this;
    return tf.tensor1d(
      Int32Array.from({ length: padding.length * T }, (_, i) =>
        Math.max(0, length + (i % T) - padding[Math.floor(i / T)]!),
      ),
      'int32',
    );
  }

  /** Whether some row is padded. */
  get isPadded(): boolean {
    return this.padding.some((columns) => columns > 0);
  }

  /** Whether every column of every row holds a token once T more are there. */
  isPlain(T: number): boolean {
    return this.width(T) === this.length + T && !this.isPadded;
  }

  /**
   * (B, 1, T, S) additive: each of T more tokens sees the last `window` (0: all) tokens of its row up to itself. Call
   * it under tidy.
   */
  mask(T: number, window: number): tf.Tensor4D {
    const S = this.width(T);
    const B = this.padding.length;
    const values = new Float32Array(B * T * S).fill(-1e9);
    for (let row = 0; row < B * T; row++) {
      const end = this.length + (row % T) + 1;
      const first = window > 0 ? end - window : 0;
      values.fill(0, row * S + Math.min(end, Math.max(first, this.padding[Math.floor(row / T)]!)), row * S + end);
    }
    return tf.tensor4d(values, [B, 1, T, S]);
  }

  /**
   * Appends (B, K, T, D) and returns all keys and values so far; the cache owns what it returns. rows: as of `rowsFor`.
   */
  extend(layer: number, k: tf.Tensor4D, v: tf.Tensor4D, rows: tf.Tensor1D): { k: tf.Tensor4D; v: tf.Tensor4D } {
    return { k: this.append(this.keys, layer, k, rows), v: this.append(this.values, layer, v, rows) };
  }

  /** ids: (B·T), which the pass that extends the cache was given. */
  remember(ids: ArrayLike<number>): void {
    const T = ids.length / this.padding.length;
    this.ids = this.padding.map((_, row) => [
      ...(this.ids[row] ?? []),
      ...Array.from({ length: T }, (__, t) => ids[row * T + t]!),
    ]);
  }

  /** Empties the cache. Returns what it was told to remember and `more` (B·T), row by row. */
  takeBack(more: Int32Array): Int32Array {
    this.remember(more);
    const all = Int32Array.from(this.ids.flat());
    this.dispose();
    return all;
  }

  /** Keeps only these rows, in this order, without columns that are padding in all of them. */
  keepRows(rows: number[]): void {
    const padding = rows.map((row) => this.padding[row] ?? 0);
    const unused = padding.reduce((least, columns) => Math.min(least, columns), Infinity);
    const index = tf.tensor1d(rows, 'int32');
    const first = unused > 0 && rows.length > 0 ? unused : 0;
    this.replaceAll((all) => tf.gather(first > 0 ? columnsOf(all, first, this.length) : all, index));
    this.padding = padding.map((columns) => columns - first);
    if (this.ids.length > 0) this.ids = rows.map((row) => this.ids[row]!.slice(first));
    this.length -= first;
    index.dispose();
  }

  /** Takes over the rows of another cache of this model behind its own, the shorter of the two padded on its left. */
  join(other: KvCache): void {
    const length = Math.max(this.length, other.length);
    const joined = (own: tf.Tensor4D[], others: tf.Tensor4D[]): tf.Tensor4D[] =>
      others.map((all, layer) =>
        tf.tidy(() => {
          const taken = aligned(all, other.length, length);
          return own[layer] ? tf.concat([aligned(own[layer], this.length, length), taken], 0) : tf.clone(taken);
        }),
      );
    const [keys, values] = [joined(this.keys, other.keys), joined(this.values, other.values)];
    const padded = (cache: KvCache): number[] => cache.padding.map((columns) => columns + length - cache.length);
    const padding = [...(this.keys.length > 0 ? padded(this) : []), ...padded(other)];
    const behind = (cache: KvCache): number[][] =>
      cache.ids.map((row) => [...new Array<number>(length - cache.length).fill(0), ...row]);
    const ids = [...behind(this), ...behind(other)];
    this.dispose();
    other.dispose();
    Object.assign(this, { keys, values, padding, length, ids });
  }

  dispose(): void {
    tf.dispose([this.keys, this.values]);
    this.keys = [];
    this.values = [];
    this.ids = [];
    this.length = 0;
  }

  private replaceAll(change: (all: tf.Tensor4D) => tf.Tensor4D): void {
    const changed = (all: tf.Tensor4D): tf.Tensor4D => {
      const next = tf.tidy(() => change(all));
      all.dispose();
      return next;
    };
    this.keys = this.keys.map(changed);
    this.values = this.values.map(changed);
  }

  private append(store: tf.Tensor4D[], layer: number, next: tf.Tensor4D, rows: tf.Tensor1D): tf.Tensor4D {
    const old = store[layer];
    const all = tf.tidy(() =>
      tf.keep(
        writesInPlace()
          ? cacheWrite(this.withRoom(old, next), next, this.length, rows)
          : old
            ? tf.concat([old, next], 2)
            : tf.clone(next),
      ),
    );
    old?.dispose();
    store[layer] = all;
    return all;
  }

  /** `old`, or a wider copy where `next` does not fit. */
  private withRoom(old: tf.Tensor4D | undefined, next: tf.Tensor4D): tf.Tensor4D {
    const [B, K, T, D] = next.shape;
    const more = this.width(T) - (old?.shape[2] ?? 0);
    if (old && more === 0) return old;
    const zeros = tf.zeros<tf.Rank.R4>([B, K, more, D]);
    return old ? tf.concat([old, zeros], 2) : zeros;
  }
}

/** Columns from `first` up to `end`. all: (B, K, S, D). */
function columnsOf(all: tf.Tensor4D, first: number, end: number): tf.Tensor4D {
  const [B, K, , D] = all.shape;
  return tf.slice(all, [0, 0, first, 0], [B, K, end - first, D]);
}

/** The first `filled` columns behind as many zeros as make them `length`. Call it under tidy. */
function aligned(all: tf.Tensor4D, filled: number, length: number): tf.Tensor4D {
  const [B, K, , D] = all.shape;
  const columns = all.shape[2] === filled ? all : columnsOf(all, 0, filled);
  return filled === length ? columns : tf.concat([tf.zeros([B, K, length - filled, D]), columns], 2);
}
