/** SwiGLU's gate (Shazeer 2020, eq. 6): y = silu(g)·u with silu(g) = g·sigmoid(g). */
import * as tf from '@tensorflow/tfjs-core';
import { defineOp } from './define.ts';

const op = defineOp({
  name: 'GraftSwiglu',
  forward: ({ gate, up }) => [tf.mul(tf.mul(gate!, tf.sigmoid(gate!)), up!)],
  saveInputs: ['gate', 'up'],
  gradient: ([dy], [gate, up]) => ({
    // d silu(g)/dg = s·(1 + g·(1 - s)), s = sigmoid(g)
    gate: () => {
      const s = tf.sigmoid(gate!);
      const slope = tf.mul(s, tf.add(tf.mul(gate!, tf.sub(tf.scalar(1), s)), tf.scalar(1)));
      return tf.mul(tf.mul(dy!, up!), slope);
    },
    up: () => tf.mul(dy!, tf.mul(gate!, tf.sigmoid(gate!))),
  }),
});

/** gate, up: (N, F). Returns (N, F). */
export function swiglu(gate: tf.Tensor2D, up: tf.Tensor2D): tf.Tensor2D {
  return op({ gate, up })[0] as tf.Tensor2D;
}
