/**
 * Causal attention from rows of tokens to rows of tokens, each row of the batch for itself: rotary positions (where the
 * model has them), attention (see attention.ts), and the gradient of both. The composite goes through the rows in
 * pieces (attentionPieces.ts) and keeps no probabilities: they are computed again for the gradient, which costs a few
 * percent of the step and saves memory that grows with the square of the length. WebGPU's kernels work on the rows
 * where they lie and keep the log-sum-exp of each query.
 */
import * as tf from '@tensorflow/tfjs-core';
import type { TokenRows } from '../model/packing.ts';
import { attentionMask, type AttentionRule } from './attention.ts';
import {
  attentionPieces,
  behindEachOther,
  besideEachOther,
  fromPiece,
  keysOf,
  takeKeys,
  takeQueries,
  type Piece,
} from './attentionPieces.ts';
import { defineKernel, defineOp } from './define.ts';
import { rotate } from './rotary.ts';

/** An empty tensor stands for one that is not needed, since an op keeps all or none. */
type Places = { starts: tf.Tensor1D; positions: tf.Tensor1D; mask: tf.Tensor; cos: tf.Tensor; sin: tf.Tensor };
type Inputs = Places & { q: tf.Tensor2D; k: tf.Tensor2D; v: tf.Tensor2D };
type GradInputs = Places & {
  dy: tf.Tensor;
  out: tf.Tensor;
  q: tf.Tensor;
  k: tf.Tensor;
  v: tf.Tensor;
  /** What a backend's own kernel keeps. */
  kept: tf.Tensor;
};
/** B rows of at most T tokens; H query heads, K key heads. */
export type RowsAttentionAttributes = Required<AttentionRule> & {
  B: number;
  T: number;
  lengths: readonly number[];
  H: number;
  K: number;
};

interface Sizes {
  pieces: Piece[][];
  /** Query heads per key head. */
  G: number;
  D: number;
  scale: number;
  cap: number;
  window: number;
}

function sizesOf(q: tf.Tensor, { lengths, H, K, scale, cap, window }: RowsAttentionAttributes): Sizes {
  const [, width] = q.shape as [number, number];
  return { pieces: attentionPieces(lengths, K, H / K), G: H / K, D: width / H, scale, cap, window };
}

/** Longer rows have no mask as a whole: it would take as much as the scores of a head. */
const LONGEST_MASK = 2048;

/** The `mask` of `rowsAttention` for rows of at most T tokens: empty where each piece makes its own. */
export function rowsMask(T: number, window: number): tf.Tensor {
  return T > LONGEST_MASK ? tf.zeros([0]) : attentionMask(T, T, window);
}

/** (queries, keys) additive mask of a piece. */
function maskOf(mask: tf.Tensor, piece: Piece, window: number): tf.Tensor2D {
  const { firstQuery, queries } = piece;
  const keys = keysOf(piece);
  if (mask.size > 0) {
    const whole = mask as tf.Tensor2D;
    return mask.shape[0] === queries ? whole : tf.slice(whole, [firstQuery, 0], [queries, keys]);
  }
  const query = tf.reshape(tf.range(firstQuery, keys, 1), [-1, 1]);
  const behind = tf.sub(query, tf.reshape(tf.range(0, keys, 1), [1, -1])); // how far a key lies behind its query
  const unseen = tf.less(behind, tf.scalar(0));
  const hidden = window > 0 ? tf.logicalOr(unseen, tf.greaterEqual(behind, tf.scalar(window))) : unseen;
  return tf.mul(tf.cast(hidden, 'float32'), tf.scalar(-1e9));
}

/**
 * Scores of a piece after the cap, and their softmax under its mask (Q, L). q: (R, G·Q, D), k: (R, L, D). Returns
 * (R, G·Q, L) each.
 */
function probabilities(
  q: tf.Tensor3D,
  k: tf.Tensor3D,
  mask: tf.Tensor2D,
  { G, scale, cap }: Sizes,
): { capped: tf.Tensor3D; p: tf.Tensor3D } {
  const products: tf.Tensor3D = tf.matMul(tf.mul(q, tf.scalar(scale)), k, false, true);
  const capped: tf.Tensor3D = cap > 0 ? tf.mul(tf.tanh(tf.div(products, tf.scalar(cap))), tf.scalar(cap)) : products;
  const masked = tf.add(tf.reshape(capped, [-1, G, ...mask.shape]), mask);
  return { capped, p: tf.reshape(tf.softmax(masked), capped.shape) };
}

/**
 * x turned by the angles of its tokens' positions. x: (N, heads·D), cos and sin: (T, R/2), empty where nothing turns.
 */
function turned(x: tf.Tensor, D: number, positions: tf.Tensor1D, cos: tf.Tensor, sin: tf.Tensor): tf.Tensor {
  if (cos.size === 0) return tf.clone(x);
  const ofTokens = (table: tf.Tensor): tf.Tensor => tf.expandDims(tf.gather(table, positions), 1); // (N, 1, R/2)
  return tf.reshape(rotate(tf.reshape(x, [positions.size, -1, D]), ofTokens(cos), ofTokens(sin)), x.shape);
}

type Gradients = [dq: tf.Tensor2D, dk: tf.Tensor2D, dv: tf.Tensor2D];

/** Gradients of a row's keys from later queries, which see more of them, with those from `earlier` ones. Takes both. */
function withEarlier(later: tf.Tensor2D, earlier: tf.Tensor2D): tf.Tensor2D {
  const missing = later.shape[0] - earlier.shape[0];
  const sum = tf.tidy(() =>
    tf.add<tf.Tensor2D>(
      later,
      tf.pad(earlier, [
        [0, missing],
        [0, 0],
      ]),
    ),
  );
  tf.dispose([later, earlier]);
  return sum;
}

/** dS = P·(dP - rowsum(dO·O)), Dao et al. 2022, algorithm 4, piece by piece. */
export const rowsAttentionGradOp = defineKernel(
  'GraftRowsAttentionGrad',
  (
    { dy, out, q, k, v, positions, mask, cos, sin }: GradInputs,
    attributes: RowsAttentionAttributes,
  ): [dq: tf.Tensor, dk: tf.Tensor, dv: tf.Tensor] => {
    const sizes = sizesOf(q, attributes);
    const { pieces, G, D, scale, cap, window } = sizes;
    const rowSums = tf.sum(tf.reshape(tf.mul(dy, out), [-1, attributes.H, D]), -1); // (N, H)
    const ofPiece = (piece: Piece, own: tf.Tensor2D): Gradients =>
      tf.tidy(() => {
        const [queries, dOut] = [takeQueries(q, piece, D, G), takeQueries(dy, piece, D, G)];
        const [keys, values] = [takeKeys(k, piece, D), takeKeys(v, piece, D)];
        const { capped, p } = probabilities(queries, keys, own, sizes);
        const dP = tf.matMul(dOut, values, false, true);
        let dS = tf.mul(p, tf.sub(dP, takeQueries(rowSums, piece, 1, G)));
        if (cap > 0) dS = tf.mul(dS, tf.sub(tf.scalar(1), tf.square(tf.div(capped, tf.scalar(cap)))));
        const s = tf.scalar(scale);
        return [
          fromPiece(tf.mul(tf.matMul(dS, keys), s), piece, G),
          fromPiece(tf.mul(tf.matMul(dS, queries, true), s), piece, 1),
          fromPiece(tf.matMul(p, dOut, true), piece, 1),
        ];
      });
    const [dqs, dks, dvs]: [tf.Tensor2D[], tf.Tensor2D[], tf.Tensor2D[]] = [[], [], []];
    for (const sideBySide of pieces) {
      const [dq, dk, dv] = tf.tidy(() => {
        const own = maskOf(mask, sideBySide[0]!, window);
        const each = sideBySide.map((piece) => ofPiece(piece, own));
        return [0, 1, 2].map((i) => besideEachOther(each.map((three) => three[i]!))) as Gradients;
      });
      const sameRow = sideBySide[0]!.firstQuery > 0;
      dqs.push(dq);
      dks.push(sameRow ? withEarlier(dk, dks.pop()!) : dk);
      dvs.push(sameRow ? withEarlier(dv, dvs.pop()!) : dv);
    }
    const back = (x: tf.Tensor): tf.Tensor => turned(x, D, positions, cos, tf.neg(sin));
    return [back(behindEachOther(dqs)), back(behindEachOther(dks)), behindEachOther(dvs)];
  },
);

export const rowsAttentionOp = defineOp({
  name: 'GraftRowsAttention',
  forward(
    { q, k, v, positions, mask, cos, sin }: Inputs,
    attributes: RowsAttentionAttributes,
  ): [out: tf.Tensor2D, q: tf.Tensor, k: tf.Tensor, v: tf.Tensor, kept: tf.Tensor] {
    const sizes = sizesOf(q, attributes);
    const { pieces, G, D, window } = sizes;
    const [queries, keys] = [turned(q, D, positions, cos, sin), turned(k, D, positions, cos, sin)];
    const ofPiece = (piece: Piece, own: tf.Tensor2D): tf.Tensor2D =>
      tf.tidy(() => {
        const { p } = probabilities(takeQueries(queries, piece, D, G), takeKeys(keys, piece, D), own, sizes);
        return fromPiece(tf.matMul(p, takeKeys(v, piece, D)), piece, G);
      });
    const ofPieces = (sideBySide: Piece[]): tf.Tensor2D =>
      tf.tidy(() => {
        const own = maskOf(mask, sideBySide[0]!, window);
        return besideEachOther(sideBySide.map((piece) => ofPiece(piece, own)));
      });
    const out = behindEachOther(pieces.map(ofPieces));
    return [out, queries, keys, tf.clone(v), tf.zeros([0])];
  },
  saveInputs: ['starts', 'positions', 'mask', 'cos', 'sin'],
  saveOutputs: [0, 1, 2, 3, 4],
  gradient([dy], [starts, positions, mask, cos, sin, out, q, k, v, kept], attributes) {
    const inputs = { dy, out, q, k, v, kept, starts, positions, mask, cos, sin };
    const [dq, dk, dv] = rowsAttentionGradOp(inputs, attributes);
    return { q: () => dq, k: () => dk, v: () => dv };
  },
});

export interface RowsAttentionOptions extends AttentionRule {
  heads: number;
  kvHeads: number;
  /** From `rowsMask(T, window)`. */
  mask: tf.Tensor;
  /** (T, R/2) each, where positions are rotary for the first R floats of a head. */
  tables: { cos: tf.Tensor; sin: tf.Tensor } | null;
}

/** q: (N, H·D), k and v: (N, K·D), N tokens as `rows` says. Returns (N, H·D). */
export function rowsAttention(
  q: tf.Tensor2D,
  k: tf.Tensor2D,
  v: tf.Tensor2D,
  rows: TokenRows,
  options: RowsAttentionOptions,
): tf.Tensor2D {
  const { heads: H, kvHeads: K, window, cap, scale = 1 / Math.sqrt(q.shape[1] / H), mask, tables } = options;
  const none = tf.zeros([0]);
  const { starts, positions, lengths } = rows;
  const places = { starts, positions, mask, cos: tables?.cos ?? none, sin: tables?.sin ?? none };
  const attributes = { B: rows.B, T: rows.T, lengths, H, K, window, cap, scale };
  return rowsAttentionOp({ q, k, v, ...places }, attributes)[0];
}
