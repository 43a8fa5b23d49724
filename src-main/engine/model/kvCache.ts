/**
 * Keys and values of the tokens seen so far, per layer, each (B, K, S, D), for B rows that grow together. Rows with
 * shorter prompts are padded on the left, so that the newest tokens of all rows stand in one column.
 */
import * as tf from '@tensorflow/tfjs-core';
import { cacheWrite, writesInPlace } from '../ops/cacheWrite.ts';

/** Columns that are added at once where a backend writes in place. */
const BLOCK = 64;

export class KvCache {
  /** Columns of padding in front of each row. */
  padding: number[];
  /** Columns filled, padding included, once every layer has been extended. */
  length = 0;
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

  /** Appends (B, K, T, D) and returns all keys and values so far; the cache owns what it returns. */
  extend(layer: number, k: tf.Tensor4D, v: tf.Tensor4D): { k: tf.Tensor4D; v: tf.Tensor4D } {
    return { k: this.append(this.keys, layer, k), v: this.append(this.values, layer, v) };
  }

  /** Keeps only these rows, in this order. */
  keepRows(rows: number[]): void {
    const index = tf.tensor1d(rows, 'int32');
    const kept = (store: tf.Tensor4D[]): tf.Tensor4D[] =>
      store.map((all) => {
        const some = tf.gather(all, index);
        all.dispose();
        return some;
      });
    this.keys = kept(this.keys);
    this.values = kept(this.values);
    this.padding = rows.map((row) => this.padding[row] ?? 0);
    index.dispose();
  }

  dispose(): void {
    tf.dispose([this.keys, this.values]);
    this.keys = [];
    this.values = [];
    this.length = 0;
  }

  private append(store: tf.Tensor4D[], layer: number, next: tf.Tensor4D): tf.Tensor4D {
    const old = store[layer];
    const all = tf.tidy(() =>
      tf.keep(
        writesInPlace()
          ? cacheWrite(this.withRoom(old, next), next, this.length)
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
