/** The sum of squares of a long vector, as a few partial sums: what a gradient norm needs of each vector. */
import * as tf from '@tensorflow/tfjs-core';
import { defineKernel } from './define.ts';

export const sumOfSquaresOp = defineKernel('GraftSumOfSquares', ({ x }: { x: tf.Tensor }): [tf.Tensor1D] => [
  tf.reshape(tf.sum(tf.square(x)), [1]),
]);

/** Partial sums that together are sum(x^2). */
export function sumOfSquares(x: tf.Tensor): tf.Tensor1D {
  return sumOfSquaresOp({ x })[0];
}
