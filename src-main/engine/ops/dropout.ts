/**
 * Inverted dropout (Srivastava et al. 2014): y = x·mask, an element of the mask 0 with probability `rate`, else
 * 1/(1 - rate). The seed alone decides which, on one engine the same each time. What is kept for the gradient is a
 * backend's own affair: the composite keeps the mask, WebGPU's kernel makes it again.
 */
import * as tf from '@tensorflow/tfjs-core';
import { Random } from '../../../src-shared/random.ts';
import { defineKernel, defineOp } from './define.ts';

export type DropoutRule = { rate: number; seed: number };

export const dropoutGradOp = defineKernel(
  'GraftDropoutGrad',
  ({ dy, kept }: { dy: tf.Tensor; kept: tf.Tensor }, _: DropoutRule) => [tf.mul(dy, kept)],
);

export const dropoutOp = defineOp({
  name: 'GraftDropout',
  forward({ x }: { x: tf.Tensor }, { rate, seed }: DropoutRule): [y: tf.Tensor, kept: tf.Tensor] {
    const random = new Random(seed);
    const values = new Float32Array(x.size);
    const keep = 1 / (1 - rate);
    for (let i = 0; i < values.length; i++) values[i] = random.uniform() < rate ? 0 : keep;
    const mask = tf.tensor(values, x.shape);
    return [tf.mul(x, mask), mask];
  },
  saveInputs: [],
  saveOutputs: [1],
  gradient: ([dy], [kept], rule) => ({ x: () => dropoutGradOp({ dy, kept }, rule)[0] }),
});

/** x: any shape; rate in [0, 1); seed: whole number below 2^32. Returns the shape of x. */
export function dropout<T extends tf.Tensor>(x: T, rate: number, seed: number): T {
  return dropoutOp({ x }, { rate, seed })[0] as T;
}
