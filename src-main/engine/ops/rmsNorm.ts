/** RMSNorm (Zhang & Sennrich 2019, eq. 4): y = x / rms(x) * w, rms(x) = sqrt(mean(x^2) + eps). */
import * as tf from '@tensorflow/tfjs-core';
import { defineKernel, defineOp } from './define.ts';

/** With n = x·inverse and g = dy·w: dx = inverse·(g - n·mean(g·n)). */
const gradientOfX = defineKernel('GraftRmsNormGrad', ({ dy, x, w, inverse }) => {
  const g = tf.mul(dy!, w!);
  const n = tf.mul(x!, inverse!);
  return [tf.mul(inverse!, tf.sub(g, tf.mul(n, tf.mean(tf.mul(g, n), -1, true))))];
});

const op = defineOp({
  name: 'GraftRmsNorm',
  forward({ x, w }, { eps }) {
    const inverse = tf.rsqrt(tf.add(tf.mean(tf.square(x!), -1, true), tf.scalar(eps as number))); // (N, 1)
    return [tf.mul(tf.mul(x!, inverse), w!), inverse];
  },
  saveInputs: ['x', 'w'],
  saveOutputs: [1],
  gradient([dy], [x, w, inverse]) {
    return {
      x: () => gradientOfX({ dy: dy!, x: x!, w: w!, inverse: inverse! })[0]!,
      w: () => tf.sum(tf.mul(dy!, tf.mul(x!, inverse!)), 0),
    };
  },
});

/** x: (N, C), w: (C). Returns (N, C). */
export function rmsNorm(x: tf.Tensor2D, w: tf.Tensor, eps: number): tf.Tensor2D {
  return op({ x, w }, { eps })[0] as tf.Tensor2D;
}
