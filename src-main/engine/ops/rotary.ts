/**
 * Rotary position embedding (Su et al. 2021, eq. 34) in the half-split layout of the Llama family:
 * with x = [x1, x2, rest], y = [x1·cos - x2·sin, x2·cos + x1·sin, rest], the rest being what a model leaves unturned.
 * Its gradient is the rotation by the opposite angle, which rowsAttention.ts computes; this op, for decoding with a
 * cache, has none.
 */
import * as tf from '@tensorflow/tfjs-core';
import { defineKernel } from './define.ts';

/** x: (…, T, D), cos and sin: (T, R/2), R <= D. */
export function rotate(x: tf.Tensor, cos: tf.Tensor, sin: tf.Tensor): tf.Tensor {
  const half = cos.shape.at(-1)!;
  const [x1, x2, rest] = tf.split(x, [half, half, x.shape.at(-1)! - 2 * half].filter(Boolean), -1) as [
    tf.Tensor,
    tf.Tensor,
    tf.Tensor?,
  ];
  return tf.concat(
    [tf.sub(tf.mul(x1, cos), tf.mul(x2, sin)), tf.add(tf.mul(x2, cos), tf.mul(x1, sin)), ...(rest ? [rest] : [])],
    -1,
  );
}

const op = defineKernel('GraftRotary', ({ x, cos, sin }) => [rotate(x!, cos!, sin!)]);
/** The same with tables of each row's own. */
const opPerRow = defineKernel('GraftRotaryPerRow', ({ x, cos, sin }) => [rotate(x!, cos!, sin!)]);

/**
 * x: (B, H, T, D), cos and sin: (T, R/2), or (B, 1, T, R/2) where the rows are at positions of their own. Returns (B,
 * H, T, D).
 */
export function rotary(x: tf.Tensor4D, cos: tf.Tensor, sin: tf.Tensor): tf.Tensor4D {
  return (cos.rank === 4 ? opPerRow : op)({ x, cos, sin })[0] as tf.Tensor4D;
}
