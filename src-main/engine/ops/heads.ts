/**
 * Between rows of tokens (N, heads·D) and attention's grid (B, heads, T, D). Where padding was left out (see
 * model/packing.ts) the rows are moved to their places and back; an empty index, or none, stands for N = B·T.
 */
import * as tf from '@tensorflow/tfjs-core';

const rowsOf = (x: tf.Tensor, index?: tf.Tensor): tf.Tensor => (index && index.size > 0 ? tf.gather(x, index as tf.Tensor1D) : x);

/** (N, heads·D) -> (B, heads, T, D). grid: (B·T) the token at each place; real: (B·T, 1), 0 to have zeros at a place. */
export function splitHeads(x: tf.Tensor, B: number, heads: number, grid?: tf.Tensor, real?: tf.Tensor): tf.Tensor4D {
  const places = real && real.size > 0 ? tf.mul(rowsOf(x, grid), real) : rowsOf(x, grid);
  const [count, width] = places.shape as [number, number];
  if (count === B) return tf.reshape(places, [B, heads, 1, width / heads]);
  return tf.transpose(tf.reshape(places, [B, count / B, heads, width / heads]), [0, 2, 1, 3]);
}

/** (B, heads, T, D) -> (N, heads·D). tokens: (N) the place of each token. */
export function joinHeads(x: tf.Tensor, tokens?: tf.Tensor): tf.Tensor2D {
  const [B, heads, T, D] = x.shape as [number, number, number, number];
  const turned = T === 1 ? x : tf.transpose(x, [0, 2, 1, 3]);
  return rowsOf(tf.reshape(turned, [B * T, heads * D]), tokens) as tf.Tensor2D;
}
