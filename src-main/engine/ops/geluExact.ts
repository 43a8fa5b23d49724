/** GELU itself (Hendrycks & Gimpel 2016): y = x·Φ(x) with Φ(x) = 0.5·(1 + erf(x/sqrt 2)), the normal distribution. */
import * as tf from '@tensorflow/tfjs-core';
import { defineKernel, defineOp } from './define.ts';

function normalDistribution(x: tf.Tensor): tf.Tensor {
  return tf.mul(tf.add(tf.erf(tf.mul(x, tf.scalar(Math.SQRT1_2))), tf.scalar(1)), tf.scalar(0.5));
}

/** dy/dx = Φ(x) + x·φ(x), φ(x) = exp(-x^2/2)/sqrt(2·pi). */
export const geluExactGradOp = defineKernel('GraftGeluExactGrad', ({ dy, x }: { dy: tf.Tensor; x: tf.Tensor }) => {
  const density = tf.mul(tf.exp(tf.mul(tf.square(x), tf.scalar(-0.5))), tf.scalar(1 / Math.sqrt(2 * Math.PI)));
  return [tf.mul(dy, tf.add(normalDistribution(x), tf.mul(x, density)))];
});

export const geluExactOp = defineOp({
  name: 'GraftGeluExact',
  forward: ({ x }: { x: tf.Tensor2D }): [tf.Tensor2D] => [tf.mul(x, normalDistribution(x))],
  saveInputs: ['x'],
  gradient: ([dy], [x]) => ({ x: () => geluExactGradOp({ dy, x })[0] }),
});

/** x: (N, F). Returns (N, F). */
export function geluExact(x: tf.Tensor2D): tf.Tensor2D {
  return geluExactOp({ x })[0];
}
