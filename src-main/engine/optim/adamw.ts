/**
 * AdamW (Loshchilov & Hutter 2019, algorithm 2) as PyTorch computes it:
 * p <- p·(1 - lr·wd); m <- b1·m + (1-b1)·g; v <- b2·v + (1-b2)·g^2;
 * p <- p - lr/(1-b1^t) · m / (sqrt(v)/sqrt(1-b2^t) + eps).
 */
import * as tf from '@tensorflow/tfjs-core';
import { replaceValue, type Parameter } from '../model/parameters.ts';

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
    this.parameters.forEach((parameter, i) => {
      const { m, v } = this.moments[i]!;
      const [nextP, nextM, nextV] = tf.tidy(() => this.update(parameter.value, m.value, v.value, tf.mul(gradients[i]!, gradientScale), lr));
      replaceValue(parameter, nextP!);
      replaceValue(m, nextM!);
      replaceValue(v, nextV!);
    });
  }

  dispose(): void {
    for (const { m, v } of this.moments) tf.dispose([m.value, v.value]);
  }

  private update(p: tf.Tensor, m: tf.Tensor, v: tf.Tensor, g: tf.Tensor, lr: number): tf.Tensor[] {
    const { beta1, beta2, eps, weightDecay } = this.options;
    const nextM = tf.add(tf.mul(m, tf.scalar(beta1)), tf.mul(g, tf.scalar(1 - beta1)));
    const nextV = tf.add(tf.mul(v, tf.scalar(beta2)), tf.mul(tf.square(g), tf.scalar(1 - beta2)));
    const denominator = tf.add(tf.mul(tf.sqrt(nextV), tf.scalar(1 / Math.sqrt(1 - beta2 ** this.t))), tf.scalar(eps));
    const change = tf.mul(tf.div(nextM, denominator), tf.scalar(lr / (1 - beta1 ** this.t)));
    return [tf.sub(tf.mul(p, tf.scalar(1 - lr * weightDecay)), change), nextM, nextV];
  }
}
