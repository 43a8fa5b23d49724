/** Keys and values of the tokens seen so far, per layer, each (B, K, S, D). */
import * as tf from '@tensorflow/tfjs-core';

export class KvCache {
  private readonly keys: tf.Tensor4D[] = [];
  private readonly values: tf.Tensor4D[] = [];
  /** S, tokens in the cache once every layer has been extended. */
  length = 0;

  /** Appends (B, K, T, D) and returns all keys and values so far; the cache owns what it returns. */
  extend(layer: number, k: tf.Tensor4D, v: tf.Tensor4D): { k: tf.Tensor4D; v: tf.Tensor4D } {
    const grow = (store: tf.Tensor4D[], next: tf.Tensor4D): tf.Tensor4D => {
      const old = store[layer];
      const all = tf.keep(old ? tf.concat([old, next], 2) : tf.clone(next));
      old?.dispose();
      store[layer] = all;
      return all;
    };
    return { k: grow(this.keys, k), v: grow(this.values, v) };
  }

  dispose(): void {
    tf.dispose([this.keys, this.values]);
    this.keys.length = 0;
    this.values.length = 0;
    this.length = 0;
  }
}
