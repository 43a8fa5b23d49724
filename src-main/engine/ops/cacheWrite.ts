/** Putting new columns into a cache of keys or values, in place on backends that have a kernel for it. */
import * as tf from '@tensorflow/tfjs-core';
import { defineKernel, hasOwnKernel } from './define.ts';

const NAME = 'GraftCacheWrite';

const op = defineKernel(NAME, ({ cache, next }, { at }) => {
  const [B, K, S, D] = cache!.shape as [number, number, number, number];
  const end = (at as number) + next!.shape[2]!;
  const before = tf.slice(cache as tf.Tensor4D, [0, 0, 0, 0], [B, K, at as number, D]);
  const after = tf.slice(cache as tf.Tensor4D, [0, 0, end, 0], [B, K, S - end, D]);
  return [
    tf.concat(
      [before, next!, after].filter(({ size }) => size > 0),
      2,
    ),
  ];
});

/** Whether `cacheWrite` changes `cache` itself instead of copying it. */
export function writesInPlace(): boolean {
  return hasOwnKernel(NAME);
}

/**
 * cache: (B, K, S, D), next: (B, K, T, D). Returns the cache with columns at…at+T replaced; `cache` may share its
 * memory with that and must not be read again.
 */
export function cacheWrite(cache: tf.Tensor4D, next: tf.Tensor4D, at: number): tf.Tensor4D {
  return op({ cache, next }, { at })[0] as tf.Tensor4D;
}
