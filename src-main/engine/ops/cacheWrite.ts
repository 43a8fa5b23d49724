/** Putting new columns into a cache of keys or values, in place on backends that have a kernel for it. */
import * as tf from '@tensorflow/tfjs-core';
import { defineKernel, hasOwnKernel } from './define.ts';

type Inputs = { cache: tf.Tensor4D; next: tf.Tensor4D; rows: tf.Tensor1D };

export const cacheWriteOp = defineKernel(
  'GraftCacheWrite',
  ({ cache, next }: Inputs, { at }: { at: number }): [tf.Tensor4D] => {
    const [B, K, S, D] = cache.shape;
    const end = at + next.shape[2];
    const before = tf.slice(cache, [0, 0, 0, 0], [B, K, at, D]);
    const after = tf.slice(cache, [0, 0, end, 0], [B, K, S - end, D]);
    return [
      tf.concat(
        [before, next, after].filter(({ size }) => size > 0),
        2,
      ),
    ];
  },
);

/** Whether `cacheWrite` changes `cache` itself instead of copying it. */
export function writesInPlace(): boolean {
  return hasOwnKernel(cacheWriteOp.kernelName);
}

/** (B·K·T) int32: rows of the cache as a matrix (B·K·S, D) that are its columns at…at+T. */
export function rowsOfColumns([BK, S]: [number, number], at: number, T: number): tf.Tensor1D {
  const rows = Int32Array.from({ length: BK * T }, (_, i) => Math.floor(i / T) * S + at + (i % T));
  return tf.tensor1d(rows, 'int32');
}

/**
 * cache: (B, K, S, D), next: (B, K, T, D), rows: as of `rowsOfColumns`, for a kernel that is given places as values.
 * Returns the cache with columns at…at+T replaced; `cache` may share its memory with that and must not be read again.
 */
export function cacheWrite(cache: tf.Tensor4D, next: tf.Tensor4D, at: number, rows: tf.Tensor1D): tf.Tensor4D {
  return cacheWriteOp({ cache, next, rows }, { at })[0];
}
