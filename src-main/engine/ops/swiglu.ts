/** SwiGLU's gate (Shazeer 2020, eq. 6): y = silu(g)·u with silu(g) = g·sigmoid(g). */
import * as tf from '@tensorflow/tfjs-core';
import { defineKernel, defineOp } from './define.ts';

/** d silu(g)/dg = s·(1 + g·(1 - s)), s = sigmoid(g). */
export const swigluGradOp = defineKernel(
  'GraftSwigluGrad',
  ({ dy, gate, up }: { dy: tf.Tensor; gate: tf.Tensor; up: tf.Tensor }): [dGate: tf.Tensor, dUp: tf.Tensor] => {
    const s = tf.sigmoid(gate);
    const slope = tf.mul(s, tf.add(tf.mul(gate, tf.sub(tf.scalar(1), s)), tf.scalar(1)));
    return [tf.mul(tf.mul(dy, up), slope), tf.mul(dy, tf.mul(gate, s))];
  },
);

export const swigluOp = defineOp({
  name: 'GraftSwiglu',
  forward: ({ gate, up }: { gate: tf.Tensor2D; up: tf.Tensor2D }): [tf.Tensor2D] => [
    tf.mul(tf.mul(gate, tf.sigmoid(gate)), up),
  ],
  saveInputs: ['gate', 'up'],
  gradient([dy], [gate, up]) {
    const [dGate, dUp] = swigluGradOp({ dy, gate, up });
    return { gate: () => dGate, up: () => dUp };
  },
});

/** gate, up: (N, F). Returns (N, F). */
export function swiglu(gate: tf.Tensor2D, up: tf.Tensor2D): tf.Tensor2D {
  return swigluOp({ gate, up })[0];
}
