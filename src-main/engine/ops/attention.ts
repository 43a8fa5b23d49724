/**
 * Causal scaled dot-product attention (Vaswani et al. 2017, eq. 1) with grouped queries (Ainslie et al. 2023):
 * O = softmax(cap(scale·Q·K^T) + mask)·V. The G query heads of one key/value head are stacked along time, so keys
 * and values are never repeated. Here over a grid of keys and values that a cache holds, without a gradient; training
 * goes through rowsAttention.ts.
 */
import * as tf from '@tensorflow/tfjs-core';
import { defineKernel, hasOwnKernel } from './define.ts';

export type AttentionRule = {
  /** A query sees this many tokens, itself the last (Mistral's sliding window); 0: all before it. */
  window: number;
  /** Scores s become cap·tanh(s/cap) (Gemma 2's soft cap); 0: they stay as they are. */
  cap: number;
  /** Factor of the scores before the cap; absent: 1/sqrt(D). */
  scale?: number;
};

/**
 * (T, S) additive mask: the query at t of the last T positions sees the last `window` keys up to S - T + t. Empty where
 * the backend's own kernels apply the rule by themselves.
 */
export function attentionMask(T: number, S: number, window: number): tf.Tensor {
  if (hasOwnKernel(attentionOp.kernelName)) return tf.zeros([0]);
  const values = new Float32Array(T * S);
  for (let t = 0; t < T; t++) {
    const end = S - T + t + 1;
    values.fill(-1e9, t * S + end, (t + 1) * S);
    if (window > 0 && end > window) values.fill(-1e9, t * S, t * S + end - window);
  }
  return tf.tensor2d(values, [T, S]);
}

/** cap(Q·K^T·scale), (B·K, G·T, S). q: (B, H, T, D), k: (B, K, S, D). */
function scores(q: tf.Tensor4D, k: tf.Tensor4D, scale: number, cap: number): tf.Tensor3D {
  const products: tf.Tensor3D = tf.matMul(stack(tf.mul(q, tf.scalar(scale)), k.shape[1]), flat(k), false, true);
  return cap > 0 ? tf.mul(tf.tanh(tf.div(products, tf.scalar(cap))), tf.scalar(cap)) : products;
}

/** softmax(scores + mask), in the shape of the scores of q: (B, H, T, D). */
function probabilities(allScores: tf.Tensor3D, q: tf.Tensor4D, mask: tf.Tensor): tf.Tensor3D {
  const [B, H, T] = q.shape;
  const masked = tf.add(tf.reshape(allScores, [B, H, T, allScores.shape[2]]), mask);
  return tf.reshape(tf.softmax(masked), allScores.shape);
}

/** (B, H, T, D) -> (B*K, G*T, D): the G = H/K query heads that share a key head, one after the other. */
function stack(x: tf.Tensor4D, K: number): tf.Tensor3D {
  const [B, H, T, D] = x.shape;
  return tf.reshape(x, [B * K, (H / K) * T, D]);
}

/** (B, K, S, D) -> (B*K, S, D) */
function flat(x: tf.Tensor4D): tf.Tensor3D {
  const [B, K, S, D] = x.shape;
  return tf.reshape(x, [B * K, S, D]);
}

type Inputs = { q: tf.Tensor4D; k: tf.Tensor4D; v: tf.Tensor4D; mask: tf.Tensor };

const composite = ({ q, k, v, mask }: Inputs, { scale, cap }: Required<AttentionRule>): [tf.Tensor4D] => {
  const p = probabilities(scores(q, k, scale, cap), q, mask); // (B*K, G*T, S)
  return [tf.reshape(tf.matMul(p, flat(v)), q.shape)];
};

export const attentionOp = defineKernel('GraftAttention', composite);
/** The same where each row has a mask of its own, which a kernel that applies the rule by itself cannot know. */
export const maskedAttentionOp = defineKernel('GraftMaskedAttention', composite);

/**
 * q: (B, H, T, D), k and v: (B, K, S, D), mask from `attentionMask`, or (B, 1, T, S) additive. Returns (B, H, T, D).
 */
export function attention(
  q: tf.Tensor4D,
  k: tf.Tensor4D,
  v: tf.Tensor4D,
  mask: tf.Tensor,
  { window, cap, scale = 1 / Math.sqrt(q.shape[3]) }: AttentionRule,
): tf.Tensor4D {
  return (mask.rank === 4 ? maskedAttentionOp : attentionOp)({ q, k, v, mask }, { scale, window, cap })[0];
}
