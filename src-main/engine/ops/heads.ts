/** Between (N, heads·D) rows and the (B, heads, T, D) layout of attention. Their gradients are each other and keep nothing. */
import * as tf from '@tensorflow/tfjs-core';
import { defineOp } from './define.ts';

function split(x: tf.Tensor, B: number, heads: number): tf.Tensor {
  const [N, width] = x.shape as [number, number];
  return tf.transpose(tf.reshape(x, [B, N / B, heads, width / heads]), [0, 2, 1, 3]);
}

function join(x: tf.Tensor): tf.Tensor {
  const [B, heads, T, D] = x.shape as [number, number, number, number];
  return tf.reshape(tf.transpose(x, [0, 2, 1, 3]), [B * T, heads * D]);
}

const splitOp = defineOp({
  name: 'GraftSplitHeads',
  forward: ({ x }, { B, heads }) => [split(x!, B as number, heads as number)],
  saveInputs: [],
  gradient: ([dy]) => ({ x: () => join(dy!) }),
});

const joinOp = defineOp({
  name: 'GraftJoinHeads',
  forward: ({ x }) => [join(x!)],
  saveInputs: [],
  gradient: ([dy], _saved, { B, heads }) => ({ x: () => split(dy!, B as number, heads as number) }),
});

/** (B·T, heads·D) -> (B, heads, T, D) */
export function splitHeads(x: tf.Tensor2D, B: number, heads: number): tf.Tensor4D {
  return splitOp({ x }, { B, heads })[0] as tf.Tensor4D;
}

/** (B, heads, T, D) -> (B·T, heads·D) */
export function joinHeads(x: tf.Tensor4D): tf.Tensor2D {
  return joinOp({ x }, { B: x.shape[0], heads: x.shape[1] })[0] as tf.Tensor2D;
}
