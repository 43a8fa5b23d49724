/**
 * GELU in GPT-2's tanh form (Hendrycks & Gimpel 2016): 0.5·x·(1 + tanh(u)), u = sqrt(2/pi)·(x + 0.044715·x^3).
 * As 0.5·(1 + tanh(u)) = sigmoid(2u), one sigmoid does: y = x·sigmoid(2u).
 */
import * as tf from '@tensorflow/tfjs-core';
import { defineKernel, defineOp } from './define.ts';

/** 2u = x·(LINEAR + CUBIC·x^2). */
export const LINEAR = 2 * Math.sqrt(2 / Math.PI);
export const CUBIC = LINEAR * 0.044715;

/** sigmoid(2u) = sigmoid(x·(LINEAR + CUBIC·x^2)). */
function gate(x: tf.Tensor, xSquared: tf.Tensor): tf.Tensor {
  return tf.sigmoid(tf.mul(x, tf.add(tf.mul(xSquared, tf.scalar(CUBIC)), tf.scalar(LINEAR))));
}

/** dy/dx = s + x·s·(1 - s)·(LINEAR + 3·CUBIC·x^2). */
export const geluGradOp = defineKernel('GraftGeluGrad', ({ dy, x }: { dy: tf.Tensor; x: tf.Tensor }) => {
  const squared = tf.square(x);
  const s = gate(x, squared);
  const inner = tf.mul(x, tf.add(tf.mul(squared, tf.scalar(3 * CUBIC)), tf.scalar(LINEAR)));
  return [tf.mul(dy, tf.mul(s, tf.add(tf.mul(inner, tf.sub(tf.scalar(1), s)), tf.scalar(1))))];
});

export const geluOp = defineOp({
  name: 'GraftGelu',
  forward: ({ x }: { x: tf.Tensor2D }): [tf.Tensor2D] => [tf.mul(x, gate(x, tf.square(x)))],
  saveInputs: ['x'],
  gradient: ([dy], [x]) => ({ x: () => geluGradOp({ dy, x })[0] }),
});

/** x: (N, F). Returns (N, F). */
export function gelu(x: tf.Tensor2D): tf.Tensor2D {
  return geluOp({ x })[0];
}
