/**
 * LayerNorm (Ba et al. 2016): y = (x - mean) / sqrt(var + eps) * w + b, over the last axis; alone, or of a residual
 * sum.
 */
import * as tf from '@tensorflow/tfjs-core';
import { defineKernel, defineOp } from './define.ts';

type Options = { eps: number };
type GradInputs = { dy: tf.Tensor; w: tf.Tensor; normed: tf.Tensor; inverse: tf.Tensor; others?: tf.Tensor };

/** With n = normed and g = dy·w: dx = inverse·(g - mean(g) - n·mean(g·n)), and what else x has as its gradient. */
export const layerNormGradOp = defineKernel('GraftLayerNormGrad', ({ dy, w, normed, inverse, others }: GradInputs) => {
  const g = tf.mul(dy, w);
  const projected = tf.mul(normed, tf.mean(tf.mul(g, normed), -1, true));
  const dx = tf.mul(inverse, tf.sub(tf.sub(g, tf.mean(g, -1, true)), projected));
  return [others ? tf.add(dx, others) : dx];
});

export const layerNormOp = defineOp({
  name: 'GraftLayerNorm',
  forward(
    { x, w, b }: { x: tf.Tensor2D; w: tf.Tensor; b: tf.Tensor },
    { eps }: Options,
  ): [y: tf.Tensor2D, normed: tf.Tensor, inverse: tf.Tensor] {
    const centred = tf.sub(x, tf.mean(x, -1, true));
    const inverse = tf.rsqrt(tf.add(tf.mean(tf.square(centred), -1, true), tf.scalar(eps))); // (N, 1)
    const normed = tf.mul(centred, inverse);
    return [tf.add(tf.mul(normed, w), b), normed, inverse];
  },
  saveInputs: ['w'],
  saveOutputs: [1, 2],
  gradient([dy], [w, normed, inverse]) {
    return {
      x: () => layerNormGradOp({ dy, w, normed, inverse })[0],
      w: () => tf.sum(tf.mul(dy, normed), 0),
      b: () => tf.sum(dy, 0),
    };
  },
});

export const addLayerNormOp = defineOp({
  name: 'GraftAddLayerNorm',
  forward(
    { x, f, w, b }: { x: tf.Tensor2D; f: tf.Tensor2D; w: tf.Tensor; b: tf.Tensor },
    options: Options,
  ): [sum: tf.Tensor2D, y: tf.Tensor2D, normed: tf.Tensor, inverse: tf.Tensor] {
    const sum: tf.Tensor2D = tf.add(x, f);
    return [sum, ...layerNormOp({ x: sum, w, b }, options)];
  },
  saveInputs: ['w'],
  saveOutputs: [2, 3],
  gradient([dSum, dy], [w, normed, inverse]) {
    const others = dSum.rank > 0 ? { others: dSum } : {}; // the sum may lead nowhere else
    const unused = dy.rank === 0; // the norm may lead nowhere either
    const dx = unused ? dSum : layerNormGradOp({ dy, w, normed, inverse, ...others })[0];
    return { x: () => dx, f: () => tf.clone(dx), w: () => tf.sum(tf.mul(dy, normed), 0), b: () => tf.sum(dy, 0) };
  },
});

/** x: (N, C), w and b: (C). Returns (N, C). */
export function layerNorm(x: tf.Tensor2D, w: tf.Tensor, b: tf.Tensor, eps: number): tf.Tensor2D {
  return layerNormOp({ x, w, b }, { eps })[0];
}

/** [x + f, its norm]. x and f: (N, C), w and b: (C). */
export function addLayerNorm(
  x: tf.Tensor2D,
  f: tf.Tensor2D,
  w: tf.Tensor,
  b: tf.Tensor,
  eps: number,
): [tf.Tensor2D, tf.Tensor2D] {
  const [sum, y] = addLayerNormOp({ x, f, w, b }, { eps });
  return [sum, y];
}
