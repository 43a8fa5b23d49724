/**
 * Rotary position embedding (Su et al. 2021, eq. 34) in the half-split layout of the Llama family:
 * with x = [x1, x2, rest], y = [x1·cos - x2·sin, x2·cos + x1·sin, rest], the rest being what a model leaves unturned.
 * Its gradient is the rotation by the opposite angle, which rowsAttention.ts computes; this op, for decoding with a
 * cache, has none.
 */
import * as tf from '@tensorflow/tfjs-core';
import { defineKernel } from './define.ts';

/** x: (…, T, D), cos and sin: (T, R/2), R <= D. */
export function rotate<T extends tf.Tensor>(x: T, cos: tf.Tensor, sin: tf.Tensor): T {
  const half = lastSize(cos);
  const [x1, x2, rest] = tf.split(x, [half, half, lastSize(x) - 2 * half].filter(Boolean), -1) as [T, T, T?];
  return tf.concat<T>(
    [tf.sub(tf.mul(x1, cos), tf.mul(x2, sin)), tf.add(tf.mul(x2, cos), tf.mul(x1, sin)), ...(rest ? [rest] : [])],
    -1,
  );
}

function lastSize({ shape }: tf.Tensor): number {
  return shape.at(-1) ?? 1;
}

type Inputs = { x: tf.Tensor4D; cos: tf.Tensor; sin: tf.Tensor };

const composite = ({ x, cos, sin }: Inputs): [tf.Tensor4D] => [rotate(x, cos, sin)];
export const rotaryOp = defineKernel('GraftRotary', composite);
/** The same with tables of each row's own. */
export const rotaryPerRowOp = defineKernel('GraftRotaryPerRow', composite);

/**
 * x: (B, H, T, D), cos and sin: (T, R/2), or (B, 1, T, R/2) where the rows are at positions of their own. Returns (B,
 * H, T, D).
 */
export function rotary(x: tf.Tensor4D, cos: tf.Tensor, sin: tf.Tensor): tf.Tensor4D {
  return (cos.rank === 4 ? rotaryPerRowOp : rotaryOp)({ x, cos, sin })[0];
}
