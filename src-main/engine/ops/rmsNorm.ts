/**
 * RMSNorm (Zhang & Sennrich 2019, eq. 4): y = x / rms(x) * w, rms(x) = sqrt(mean(x^2) + eps); alone, or of a residual
 * sum.
 */
import * as tf from '@tensorflow/tfjs-core';
import { defineKernel, defineOp } from './define.ts';

type Options = { eps: number };
type GradInputs = { dy: tf.Tensor; x: tf.Tensor; w: tf.Tensor; inverse: tf.Tensor; others?: tf.Tensor };

/** With n = x·inverse and g = dy·w: dx = inverse·(g - n·mean(g·n)), and what else x has as its gradient. */
export const rmsNormGradOp = defineKernel('GraftRmsNormGrad', ({ dy, x, w, inverse, others }: GradInputs) => {
  const g = tf.mul(dy, w);
  const n = tf.mul(x, inverse);
  const dx = tf.mul(inverse, tf.sub(g, tf.mul(n, tf.mean(tf.mul(g, n), -1, true))));
  return [others ? tf.add(dx, others) : dx];
});

const gradientOfW = (dy: tf.Tensor, x: tf.Tensor, inverse: tf.Tensor): tf.Tensor =>
  tf.sum(tf.mul(dy, tf.mul(x, inverse)), 0);

export const rmsNormOp = defineOp({
  name: 'GraftRmsNorm',
  forward({ x, w }: { x: tf.Tensor2D; w: tf.Tensor }, { eps }: Options): [y: tf.Tensor2D, inverse: tf.Tensor] {
    const inverse = tf.rsqrt(tf.add(tf.mean(tf.square(x), -1, true), tf.scalar(eps))); // (N, 1)
    return [tf.mul(tf.mul(x, inverse), w), inverse];
  },
  saveInputs: ['x', 'w'],
  saveOutputs: [1],
  gradient([dy], [x, w, inverse]) {
    return {
      x: () => rmsNormGradOp({ dy, x, w, inverse })[0],
      w: () => gradientOfW(dy, x, inverse),
    };
  },
});

export const addRmsNormOp = defineOp({
  name: 'GraftAddRmsNorm',
  forward(
    { x, f, w }: { x: tf.Tensor2D; f: tf.Tensor2D; w: tf.Tensor },
    options: Options,
  ): [sum: tf.Tensor2D, y: tf.Tensor2D, inverse: tf.Tensor] {
    const sum: tf.Tensor2D = tf.add(x, f);
    return [sum, ...rmsNormOp({ x: sum, w }, options)];
  },
  saveInputs: ['w'],
  saveOutputs: [0, 2],
  gradient([dSum, dy], [w, sum, inverse]) {
    const others = dSum.rank > 0 ? { others: dSum } : {}; // the sum may lead nowhere else
    const unused = dy.rank === 0; // the norm may lead nowhere either
    const dx = unused ? dSum : rmsNormGradOp({ dy, x: sum, w, inverse, ...others })[0];
    return { x: () => dx, f: () => tf.clone(dx), w: () => gradientOfW(dy, sum, inverse) };
  },
});

/** x: (N, C), w: (C). Returns (N, C). */
export function rmsNorm(x: tf.Tensor2D, w: tf.Tensor, eps: number): tf.Tensor2D {
  return rmsNormOp({ x, w }, { eps })[0];
}

/** [x + f, its norm]. x and f: (N, C), w: (C). */
export function addRmsNorm(x: tf.Tensor2D, f: tf.Tensor2D, w: tf.Tensor, eps: number): [tf.Tensor2D, tf.Tensor2D] {
  const [sum, y] = addRmsNormOp({ x, f, w }, { eps });
  return [sum, y];
}
