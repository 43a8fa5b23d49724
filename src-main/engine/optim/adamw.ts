/**
 * AdamW (Loshchilov & Hutter 2019, algorithm 2) as PyTorch computes it:
 * p <- p·(1 - lr·wd); m <- b1·m + (1-b1)·g; v <- b2·v + (1-b2)·g^2;
 * p <- p - lr/(1-b1^t) · m / (sqrt(v)/sqrt(1-b2^t) + eps).
 */
import * as tf from '@tensorflow/tfjs-core';
import { defineKernel } from '../ops/define.ts';
import { replaceValue, type Parameter } from '../model/parameters.ts';

/** One tensor's update. rate = lr/(1-b1^t), root = 1/sqrt(1-b2^t), keep = 1 - lr·wd. Returns p, m, v. */
const update = defineKernel('GraftAdamW', ({ p, m, v, g, scale }, attributes) => {
  const { beta1, beta2, eps, keep, rate, root } = attributes as Record<string, number>;
  const scaled = tf.mul(g!, scale!);
  const nextM = tf.add(tf.mul(m!, tf.scalar(beta1!)), tf.mul(scaled, tf.scalar(1 - beta1!)));
  const nextV = tf.add(tf.mul(v!, tf.scalar(beta2!)), tf.mul(tf.square(scaled), tf.scalar(1 - beta2!)));
  const denominator = tf.add(tf.mul(tf.sqrt(nextV), tf.scalar(root!)), tf.scalar(eps!));
  const change = tf.mul(tf.div(nextM, denominator), tf.scalar(rate!));
  return [tf.sub(tf.mul(p!, tf.scalar(keep!)), change), nextM, nextV];
});

export interface AdamWOptions {
  beta1: number;
  beta2: number;
  eps: number;
  weightDecay: number;
}

export class AdamW {
  /** First and second moments, one slot per parameter, in the order given. */
  readonly moments: { m: Parameter; v: Parameter }[];
  /** Updates done so far. */
  t = 0;
  private readonly parameters: Parameter[];
  private readonly options: AdamWOptions;

  constructor(parameters: Parameter[], options: AdamWOptions) {
    this.parameters = parameters;
    this.options = options;
    this.moments = parameters.map(({ name, value }) => ({
      m: { name: `${name}.m`, value: tf.zeros(value.shape) },
      v: { name: `${name}.v`, value: tf.zeros(value.shape) },
    }));
  }

  /** One update. `gradients` as the parameters; `gradientScale` (scalar) multiplies each, for clipping. */
  step(gradients: tf.Tensor[], lr: number, gradientScale: tf.Scalar): void {
    this.t++;
    const { beta1, beta2, eps, weightDecay } = this.options;
    const rates = { keep: 1 - lr * weightDecay, rate: lr / (1 - beta1 ** this.t), root: 1 / Math.sqrt(1 - beta2 ** this.t) };
    this.parameters.forEach((parameter, i) => {
      const { m, v } = this.moments[i]!;
      const [nextP, nextM, nextV] = update({ p: parameter.value, m: m.value, v: v.value, g: gradients[i]!, scale: gradientScale }, { beta1, beta2, eps, ...rates });
      replaceValue(parameter, nextP!);
      replaceValue(m, nextM!);
      replaceValue(v, nextV!);
    });
  }

  dispose(): void {
    for (const { m, v } of this.moments) tf.dispose([m.value, v.value]);
  }
}
