/** SwiGLU's gate (Shazeer 2020, eq. 6): y = silu(g)·u with silu(g) = g·sigmoid(g). */
import * as tf from '@tensorflow/tfjs-core';
import { defineKernel, defineOp } from './define.ts';

/** d silu(g)/dg = s·(1 + g·(1 - s)), s = sigmoid(g). */
const gradients = defineKernel('GraftSwigluGrad', ({ dy, gate, up }) => {
  const s = tf.sigmoid(gate!);
  const slope = tf.mul(s, tf.add(tf.mul(gate!, tf.sub(tf.scalar(1), s)), tf.scalar(1)));
  return [tf.mul(tf.mul(dy!, up!), slope), tf.mul(dy!, tf.mul(gate!, s))];
});

const op = defineOp({
  name: 'GraftSwiglu',
  forward: ({ gate, up }) => [tf.mul(tf.mul(gate!, tf.sigmoid(gate!)), up!)],
  saveInputs: ['gate', 'up'],
  gradient([dy], [gate, up]) {
    const [dGate, dUp] = gradients({ dy: dy!, gate: gate!, up: up! });
    return { gate: () => dGate!, up: () => dUp! };
  },
});

/** gate, up: (N, F). Returns (N, F). */
export function swiglu(gate: tf.Tensor2D, up: tf.Tensor2D): tf.Tensor2D {
  return op({ gate, up })[0] as tf.Tensor2D;
}
