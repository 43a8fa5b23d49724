/**
 * Causal scaled dot-product attention (Vaswani et al. 2017, eq. 1) with grouped queries (Ainslie et al. 2023):
 * O = softmax(Q·K^T / sqrt(D) + mask)·V. The G query heads of one key/value head are stacked along time, so keys
 * and values are never repeated. What a kernel keeps for the gradient is its own affair: the composite keeps the
 * (T, S) probabilities, WebGPU's kernel the log-sum-exp of each row.
 */
import * as tf from '@tensorflow/tfjs-core';
import { defineKernel, defineOp } from './define.ts';

/** (T, S) additive mask: query t sees keys up to S - T + t. */
export function causalMask(T: number, S: number): tf.Tensor2D {
  const values = new Float32Array(T * S);
  for (let t = 0; t < T; t++) values.fill(-1e9, t * S + S - T + t + 1, (t + 1) * S);
  return tf.tensor2d(values, [T, S]);
}

/** dS = P·(dP - rowsum(dO·O)), Dao et al. 2022, algorithm 4. `saved`: what the backend's forward kernel kept. */
const gradients = defineKernel('GraftAttentionGrad', ({ dy, q, k, v, out, saved: probabilities }, { scale }) => {
  const K = k!.shape[1]!;
  const dOut = stack(dy!, K); // (B*K, G*T, D)
  const dP = tf.matMul(dOut, flat(v!), false, true);
  const rowSum = tf.sum(tf.mul(dOut, stack(out!, K)), -1, true);
  const dS = tf.mul(probabilities!, tf.sub(dP, rowSum));
  const s = tf.scalar(scale as number);
  return [
    tf.reshape(tf.mul(tf.matMul(dS, flat(k!)), s), q!.shape),
    tf.reshape(tf.mul(tf.matMul(dS, stack(q!, K), true), s), k!.shape),
    tf.reshape(tf.matMul(probabilities!, dOut, true), v!.shape),
  ];
});

const op = defineOp({
  name: 'GraftAttention',
  forward({ q, k, v, mask }, { scale }) {
    const [B, H, T, D] = q!.shape as [number, number, number, number];
    const [, K, S] = k!.shape as [number, number, number, number];
    const scores = tf.matMul(stack(tf.mul(q!, tf.scalar(scale as number)), K), flat(k!), false, true); // (B*K, G*T, S)
    const masked = tf.add(tf.reshape(scores, [B, H, T, S]), mask!);
    const probabilities = tf.reshape(tf.softmax(masked), scores.shape); // (B*K, G*T, S)
    const out = tf.matMul(probabilities, flat(v!)); // (B*K, G*T, D)
    return [tf.reshape(out, [B, H, T, D]), probabilities];
  },
  saveInputs: ['q', 'k', 'v', 'mask'],
  saveOutputs: [0, 1],
  gradient([dy], [q, k, v, mask, out, saved], attributes) {
    const [dq, dk, dv] = gradients({ dy: dy!, q: q!, k: k!, v: v!, mask: mask!, out: out!, saved: saved! }, attributes);
    return { q: () => dq!, k: () => dk!, v: () => dv! };
  },
});

/** (B, H, T, D) -> (B*K, G*T, D): the G = H/K query heads that share a key head, one after the other. */
function stack(x: tf.Tensor, K: number): tf.Tensor3D {
  const [B, H, T, D] = x.shape as [number, number, number, number];
  return tf.reshape(x, [B * K, (H / K) * T, D]);
}

/** (B, K, S, D) -> (B*K, S, D) */
function flat(x: tf.Tensor): tf.Tensor3D {
  const [B, K, S, D] = x.shape as [number, number, number, number];
  return tf.reshape(x, [B * K, S, D]);
}

/** q: (B, H, T, D), k and v: (B, K, S, D), mask: (T, S) additive. Returns (B, H, T, D). */
export function attention(q: tf.Tensor4D, k: tf.Tensor4D, v: tf.Tensor4D, mask: tf.Tensor2D): tf.Tensor4D {
  const D = q.shape[3];
  return op({ q, k, v, mask }, { scale: 1 / Math.sqrt(D) })[0] as tf.Tensor4D;
}
