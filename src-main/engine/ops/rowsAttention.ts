/**
 * Causal attention from rows of tokens to rows of tokens, each row of the batch for itself: rotary positions (where the
 * model has them), attention (see attention.ts), and the gradient of both. The composite lays the tokens out as a grid
 * (B, heads, T, D) and keeps it and the (T, T) probabilities; WebGPU's kernels work on the rows where they lie and keep
 * the log-sum-exp of each query.
 */
import * as tf from '@tensorflow/tfjs-core';
import type { TokenRows } from '../model/packing.ts';
import { flat, probabilities, scores, stack, type AttentionRule } from './attention.ts';
import { defineKernel, defineOp, type Tensors } from './define.ts';
import { joinHeads, splitHeads } from './heads.ts';
import { rotate } from './rotary.ts';

/** Inputs besides q, k and v; an empty tensor stands for one that is not needed, since an op keeps all or none. */
const PLACES = ['starts', 'positions', 'tokens', 'grid', 'real', 'mask', 'cos', 'sin'];

/** The rows' gradients by that of the grid: dS = P·(dP - rowsum(dO·O)), Dao et al. 2022, algorithm 4. */
const gradients = defineKernel('GraftRowsAttentionGrad', ({ dy, out, q, k, v, kept: p, ...places }, { H, scale, cap }) => {
  const { tokens, grid, real, cos, sin } = places as Tensors;
  const [B, K] = k!.shape as [number, number];
  const onGrid = (x: tf.Tensor): tf.Tensor3D => stack(splitHeads(x, B, H as number, grid!, real), K); // padding's queries must not count
  const dOut = onGrid(dy!); // (B*K, G*T, D)
  const rowSum = onGrid(tf.sum(tf.reshape(tf.mul(dy!, out!), [-1, H as number, dy!.shape[1]! / (H as number)]), -1)); // (B*K, G*T, 1)
  let dS = tf.mul(p!, tf.sub(tf.matMul(dOut, flat(v!), false, true), rowSum));
  if ((cap as number) > 0) dS = tf.mul(dS, tf.sub(tf.scalar(1), tf.square(tf.div(scores(q!, k!, scale as number, cap as number), tf.scalar(cap as number)))));
  const s = tf.scalar(scale as number);
  const turnedBack = (x: tf.Tensor): tf.Tensor => (cos!.size > 0 ? rotate(x, cos!, tf.neg(sin!)) : x);
  return [
    joinHeads(turnedBack(tf.reshape(tf.mul(tf.matMul(dS, flat(k!)), s), q!.shape)), tokens!),
    joinHeads(turnedBack(tf.reshape(tf.mul(tf.matMul(dS, stack(q!, K), true), s), k!.shape)), tokens!),
    joinHeads(tf.reshape(tf.matMul(p!, dOut, true), v!.shape), tokens!),
  ];
});

const op = defineOp({
  name: 'GraftRowsAttention',
  forward({ q, k, v, tokens, grid, mask, cos, sin }, { B, H, K, scale, cap }) {
    const turned = (x: tf.Tensor4D): tf.Tensor => (cos!.size > 0 ? rotate(x, cos!, sin!) : x);
    const queries = turned(splitHeads(q!, B as number, H as number, grid!)); // (B, H, T, D)
    const keys = turned(splitHeads(k!, B as number, K as number, grid!)); // (B, K, T, D)
    const values = splitHeads(v!, B as number, K as number, grid!);
    const p = probabilities(scores(queries, keys, scale as number, cap as number), queries, mask!); // (B*K, G*T, T)
    const out = tf.reshape(tf.matMul(p, flat(values)), queries.shape);
    return [joinHeads(out, tokens!), queries, keys, values, p];
  },
  saveInputs: PLACES,
  saveOutputs: [0, 1, 2, 3, 4],
  gradient([dy], saved, attributes) {
    const places = Object.fromEntries(PLACES.map((name, i) => [name, saved[i]!]));
    const [out, q, k, v, kept] = saved.slice(PLACES.length) as [tf.Tensor, tf.Tensor, tf.Tensor, tf.Tensor, tf.Tensor];
    const [dq, dk, dv] = gradients({ dy: dy!, out, q, k, v, kept, ...places }, attributes);
    return { q: () => dq!, k: () => dk!, v: () => dv! };
  },
});

export interface RowsAttentionOptions extends AttentionRule {
  heads: number;
  kvHeads: number;
  /** From `attentionMask(T, T, window)`. */
  mask: tf.Tensor;
  /** (T, D/2) each, where positions are rotary. */
  tables: { cos: tf.Tensor2D; sin: tf.Tensor2D } | null;
}

/** q: (N, H·D), k and v: (N, K·D), N tokens as `rows` says. Returns (N, H·D). */
export function rowsAttention(q: tf.Tensor2D, k: tf.Tensor2D, v: tf.Tensor2D, rows: TokenRows, options: RowsAttentionOptions): tf.Tensor2D {
  const { heads: H, kvHeads: K, window, cap, mask, tables } = options;
  const none = tf.zeros([0]);
  const { starts, positions, tokens = none, grid = none, real = none } = rows;
  const places = { starts, positions, tokens, grid, real, mask, cos: tables?.cos ?? none, sin: tables?.sin ?? none };
  const attributes = { B: rows.B, T: rows.T, H, K, window, cap, scale: 1 / Math.sqrt(q.shape[1] / H) };
  return op({ q, k, v, ...places }, attributes)[0] as tf.Tensor2D;
}
