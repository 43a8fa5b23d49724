/**
 * RMSNorm (Zhang & Sennrich 2019, eq. 4): y = x / rms(x) * w, rms(x) = sqrt(mean(x^2) + eps); alone, or of a residual
 * sum.
 */
import * as tf from '@tensorflow/tfjs-core';
import { defineKernel, defineOp, type Tensors } from './define.ts';

/** With n = x·inverse and g = dy·w: dx = inverse·(g - n·mean(g·n)), and what else x has as its gradient. */
const gradientOfX = defineKernel('GraftRmsNormGrad', ({ dy, x, w, inverse, others }) => {
  const g = tf.mul(dy!, w!);
  const n = tf.mul(x!, inverse!);
  const dx = tf.mul(inverse!, tf.sub(g, tf.mul(n, tf.mean(tf.mul(g, n), -1, true))));
  return [others ? tf.add(dx, others) : dx];
});

const gradientOfW = (dy: tf.Tensor, x: tf.Tensor, inverse: tf.Tensor): tf.Tensor =>
  tf.sum(tf.mul(dy, tf.mul(x, inverse)), 0);

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
      w: () => gradientOfW(dy!, x!, inverse!),
    };
  },
});

const sumOp = defineOp({
  name: 'GraftAddRmsNorm',
  forward({ x, f, w }, attributes) {
    const sum = tf.add(x!, f!);
    return [sum, ...op({ x: sum, w: w! }, attributes)];
  },
  saveInputs: ['w'],
  saveOutputs: [0, 2],
  gradient([dSum, dy], [w, sum, inverse]) {
    const others: Tensors = dSum!.rank > 0 ? { others: dSum! } : {}; // the sum may lead nowhere else
    const unused = dy!.rank === 0; // the norm may lead nowhere either
    const dx = unused ? dSum! : gradientOfX({ dy: dy!, x: sum!, w: w!, inverse: inverse!, ...others })[0]!;
    return { x: () => dx, f: () => tf.clone(dx), w: () => gradientOfW(dy!, sum!, inverse!) };
  },
});

/** x: (N, C), w: (C). Returns (N, C). */
export function rmsNorm(x: tf.Tensor2D, w: tf.Tensor, eps: number): tf.Tensor2D {
  return op({ x, w }, { eps })[0] as tf.Tensor2D;
}

/** [x + f, its norm]. x and f: (N, C), w: (C). */
export function addRmsNorm(x: tf.Tensor2D, f: tf.Tensor2D, w: tf.Tensor, eps: number): [tf.Tensor2D, tf.Tensor2D] {
  return sumOp({ x, f, w }, { eps }).slice(0, 2) as [tf.Tensor2D, tf.Tensor2D];
}
