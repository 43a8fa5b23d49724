/** LayerNorm (Ba et al. 2016): y = (x - mean) / sqrt(var + eps) * w + b, over the last axis. */
import * as tf from '@tensorflow/tfjs-core';
import { defineKernel, defineOp } from './define.ts';

/** With n = normed and g = dy·w: dx = inverse·(g - mean(g) - n·mean(g·n)). */
const gradientOfX = defineKernel('GraftLayerNormGrad', ({ dy, w, normed, inverse }) => {
  const g = tf.mul(dy!, w!);
  const projected = tf.mul(normed!, tf.mean(tf.mul(g, normed!), -1, true));
  return [tf.mul(inverse!, tf.sub(tf.sub(g, tf.mean(g, -1, true)), projected))];
});

const op = defineOp({
  name: 'GraftLayerNorm',
  forward({ x, w, b }, { eps }) {
    const centred = tf.sub(x!, tf.mean(x!, -1, true));
    const inverse = tf.rsqrt(tf.add(tf.mean(tf.square(centred), -1, true), tf.scalar(eps as number))); // (N, 1)
    const normed = tf.mul(centred, inverse);
    return [tf.add(tf.mul(normed, w!), b!), normed, inverse];
  },
  saveInputs: ['w'],
  saveOutputs: [1, 2],
  gradient([dy], [w, normed, inverse]) {
    return {
      x: () => gradientOfX({ dy: dy!, w: w!, normed: normed!, inverse: inverse! })[0]!,
      w: () => tf.sum(tf.mul(dy!, normed!), 0),
      b: () => tf.sum(dy!, 0),
    };
  },
});

/** x: (N, C), w and b: (C). Returns (N, C). */
export function layerNorm(x: tf.Tensor2D, w: tf.Tensor, b: tf.Tensor, eps: number): tf.Tensor2D {
  return op({ x, w, b }, { eps })[0] as tf.Tensor2D;
}
