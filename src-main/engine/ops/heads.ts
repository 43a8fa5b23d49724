/** Between rows of tokens (B·T, heads·D) and attention's grid (B, heads, T, D), where nothing is padding. */
import * as tf from '@tensorflow/tfjs-core';

/** (B·T, heads·D) -> (B, heads, T, D) */
export function splitHeads(x: tf.Tensor, B: number, heads: number): tf.Tensor4D {
  const [count, width] = x.shape as [number, number];
  if (count === B) return tf.reshape(x, [B, heads, 1, width / heads]);
  return tf.transpose(tf.reshape(x, [B, count / B, heads, width / heads]), [0, 2, 1, 3]);
}

/** (B, heads, T, D) -> (B·T, heads·D) */
export function joinHeads(x: tf.Tensor): tf.Tensor2D {
  const [B, heads, T, D] = x.shape as [number, number, number, number];
  const turned = T === 1 ? x : tf.transpose(x, [0, 2, 1, 3]);
  return tf.reshape(turned, [B * T, heads * D]);
}
