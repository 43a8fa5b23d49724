/**
 * AdamW (Loshchilov & Hutter 2019, algorithm 2) as PyTorch computes it:
 * p <- p·(1 - lr·wd); m <- b1·m + (1-b1)·g; v <- b2·v + (1-b2)·g^2;
 * p <- p - lr/(1-b1^t) · m / (sqrt(v)/sqrt(1-b2^t) + eps).
 * The moments are kept, and all is updated, as few long vectors (flatTensors.ts), each of parameters under one rule.
 */
import * as tf from '@tensorflow/tfjs-core';
import { defineKernel } from '../ops/define.ts';
import { replaceValue, type Parameter } from '../model/parameters.ts';
import { cut, join, spansOf, type Span } from './flatTensors.ts';
import { groupByRule, type Rule } from './rules.ts';

/** Values that the composite takes at a time, so that what it computes in between stays in the processor's cache. */
const CHUNK = 1 << 18;

/**
 * Values of a vector of several tensors on a graphics card, which takes it in one go: 32 MiB, below every card's limit.
 */
const MOST_ON_GPU = 1 << 23;

export type AdamWInputs = { p: tf.Tensor; m: tf.Tensor; v: tf.Tensor; g: tf.Tensor; scale: tf.Tensor };
export type AdamWRates = { beta1: number; beta2: number; eps: number; keep: number; rate: number; root: number };
type Updated = [p: tf.Tensor, m: tf.Tensor, v: tf.Tensor];

/**
 * The update of one vector. rate = lr/(1-b1^t), root = 1/sqrt(1-b2^t), keep = 1 - lr·wd. Returns p, m, v; the m and v
 * that it was given may be overwritten by these.
 */
export const adamwOp = defineKernel('GraftAdamW', ({ p, m, v, g, scale }: AdamWInputs, rates: AdamWRates): Updated => {
  const size = p.size;
  if (size <= CHUNK) return updateChunk({ p, m, v, g, scale }, rates);
  const chunks: Updated[] = [];
  for (let start = 0; start < size; start += CHUNK) {
    const part = (x: tf.Tensor): tf.Tensor => tf.slice(x, [start], [Math.min(CHUNK, size - start)]);
    chunks.push(tf.tidy(() => updateChunk({ p: part(p), m: part(m), v: part(v), g: part(g), scale }, rates)));
  }
  const joined = (i: 0 | 1 | 2): tf.Tensor => tf.concat(chunks.map((chunk) => chunk[i]));
  return [joined(0), joined(1), joined(2)];
});

function updateChunk({ p, m, v, g, scale }: AdamWInputs, { beta1, beta2, eps, keep, rate, root }: AdamWRates): Updated {
  const scaled = tf.mul(g, scale);
  const nextM = tf.add(tf.mul(m, tf.scalar(beta1)), tf.mul(scaled, tf.scalar(1 - beta1)));
  const nextV = tf.add(tf.mul(v, tf.scalar(beta2)), tf.mul(tf.square(scaled), tf.scalar(1 - beta2)));
  const denominator = tf.add(tf.mul(tf.sqrt(nextV), tf.scalar(root)), tf.scalar(eps));
  const change = tf.mul(tf.div(nextM, denominator), tf.scalar(rate));
  return [tf.sub(tf.mul(p, tf.scalar(keep)), change), nextM, nextV];
}

export interface AdamWOptions {
  beta1: number;
  beta2: number;
  eps: number;
  weightDecay: number;
  /** The same rule for all where it is absent: the learning rate as it is, and the decay. */
  ruleOf?: (parameter: Parameter) => Rule;
}

/** Parameters that are updated together. */
interface Vector {
  span: Span;
  rule: Rule;
  members: {
    parameter: Parameter;
    /** Among the parameters as they were given. */
    place: number;
  }[];
  /** First and second moments. */
  m: tf.Tensor;
  v: tf.Tensor;
}

const SAME_FOR_ALL: Rule = { lrScale: 1, decay: true };

export class AdamW {
  /** Updates done so far. */
  t = 0;
  private readonly options: AdamWOptions;
  private readonly vectors: Vector[];

  constructor(parameters: Parameter[], options: AdamWOptions) {
    const groups = groupByRule(parameters, options.ruleOf ?? (() => SAME_FOR_ALL));
    const placeOf = new Map(parameters.map((parameter, i) => [parameter, i]));
    const most = tf.getBackend() === 'webgpu' ? MOST_ON_GPU : CHUNK;
    this.options = options;
    this.vectors = groups.flatMap(({ rule, parameters: group }) => {
      const shapes = group.map(({ value }) => value.shape);
      return spansOf(shapes, most).map((span): Vector => {
        const members = group
          .slice(span.first, span.first + span.shapes.length)
          .map((parameter) => ({ parameter, place: placeOf.get(parameter) ?? 0 }));
        return { span, rule, members, m: tf.fill([span.size], 0), v: tf.fill([span.size], 0) };
      });
    });
  }

  /**
   * The gradients, in the order of the constructor's parameters, as vectors for `step`, which the caller disposes;
   * `gradients` are used up.
   */
  flatten(gradients: tf.Tensor[]): tf.Tensor1D[] {
    return this.vectors.map(({ members }) => {
      const part = members.flatMap(({ place }) => gradients[place] ?? []);
      const vector = join(part);
      tf.dispose(part);
      return vector;
    });
  }

  /** Values of each vector that `flatten` gives. */
  vectorSizes(): number[] {
    return this.vectors.map(({ span }) => span.size);
  }

  /** One update. `gradients` from `flatten`; `gradientScale` (scalar) multiplies each, for clipping. */
  step(gradients: tf.Tensor1D[], lr: number, gradientScale: tf.Scalar): void {
    this.t++;
    const { beta1, beta2, eps, weightDecay } = this.options;
    const root = 1 / Math.sqrt(1 - beta2 ** this.t);
    for (const [i, vector] of this.vectors.entries()) {
      const { span, rule, members, m, v } = vector;
      const g = gradients[i];
      if (!g) throw new Error(`${this.vectors.length} gradients are due, not ${gradients.length}`);
      const ownLr = lr * rule.lrScale;
      const rates = { keep: rule.decay ? 1 - ownLr * weightDecay : 1, rate: ownLr / (1 - beta1 ** this.t), root };
      const p = join(members.map(({ parameter }) => parameter.value));
      const [nextP, nextM, nextV] = adamwOp({ p, m, v, g, scale: gradientScale }, { beta1, beta2, eps, ...rates });
      cut(nextP, span).forEach((value, k) => replaceValue(parameterAt(vector, k), value));
      tf.dispose([p, nextP, m, v]);
      vector.m = nextM;
      vector.v = nextV;
    }
  }

  /**
   * The first and second moment of each parameter, named `<parameter>.m` and `.v`, to be read before the next step; the
   * caller disposes them.
   */
  moments(): Parameter[] {
    const named = (vector: Vector, moment: 'm' | 'v'): Parameter[] =>
      cut(vector[moment], vector.span).map((value, k) => ({ name: `${parameterAt(vector, k).name}.${moment}`, value }));
    return this.vectors.flatMap((vector) => {
      const [m, v] = [named(vector, 'm'), named(vector, 'v')];
      return m.flatMap((first, k) => [first, ...v.slice(k, k + 1)]);
    });
  }

  /** Puts saved moments back; `read` makes the tensor of a name that `moments` gives. */
  restoreMoments(read: (name: string, shape: number[]) => tf.Tensor): void {
    for (const moment of ['m', 'v'] as const) {
      for (const vector of this.vectors) {
        const saved = tf.tidy(() =>
          join(vector.span.shapes.map((shape, k) => read(`${parameterAt(vector, k).name}.${moment}`, shape))),
        );
        vector[moment].dispose();
        vector[moment] = saved;
      }
    }
  }

  dispose(): void {
    tf.dispose(this.vectors.map(({ m, v }) => [m, v]));
  }
}

function parameterAt({ members }: Vector, k: number): Parameter {
  const member = members[k];
  if (!member) throw new Error(`a vector of ${members.length} tensors has no tensor ${k}`);
  return member.parameter;
}
