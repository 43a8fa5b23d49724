/**
 * Cross-entropy of the vocabulary projection, without ever holding the whole logits matrix:
 * loss = sum_i (logsumexp_v(h_i·W^T) - h_i·W_{y_i}), and in the same pass its gradient dh = P·W - W[y], P =
 * softmax(h·W^T). The vocabulary streams through in chunks with a running maximum and sum per row (Milakov & Gimelshein
 * 2018; the loss as in Wijmans et al. 2024). Logits are computed transposed, W·h^T, which libtensorflow does almost
 * twice as fast as h·W^T. With a cap c the logits s become z = c·tanh(s/c), and the gradient of each is multiplied by 1
 * - (z/c)^2. W may be packed, and in pieces by rows: the pieces stream through one after the other.
 */
import * as tf from '@tensorflow/tfjs-core';
import { BASE_DTYPES } from '../../../src-shared/baseDtypes.ts';
import { mostBytesPerBinding } from '../backends/bindingLimit.ts';
import { dtypeOf, inPieces, parameterShape, piecesOf, type Parameter } from '../model/parameters.ts';
import { defineKernel } from './define.ts';
import { lookUp } from './embedding.ts';
import { addRowsOp } from './scatterAddRows.ts';
import { floatRows } from './unpackRows.ts';

/** Logits held at once: 2 Mi floats, 8 MiB, which stays in the processor's cache and in the allocator's reach. */
const CHUNK_LOGITS = 1 << 21;
/** On a graphics card: 128 MiB, hundreds of rows even of a large vocabulary, so that the products fill the card. */
const CHUNK_LOGITS_ON_CARD = 1 << 25;
/** What rows with all their logits may hold, in chunks: 128 MiB, so that a batch mostly needs one sum of dW. */
const MOST_KEPT = 1 << 25;
const CHUNKS_KEPT = 16;
const MAX_ROWS = 1024;

/** h: (M, C), labels: (M), w0, w1, …: the pieces of W (V, C), each packed or float32. */
type Inputs = { h: tf.Tensor2D; labels: tf.Tensor1D } & { [piece: `w${number}`]: tf.Tensor };
export type CrossEntropyOptions = { gradients: boolean; trainW: boolean; chunkLogits: number; cap: number };
/** All pieces are in the format BASE_DTYPES[format]; `rows` of each. */
export type CrossEntropyAttributes = CrossEntropyOptions & { format: number; rows: readonly number[] };
/** dh is a scalar without `gradients`; of W, one gradient per piece with `trainW`, which is float32 then. */
type Results = [loss: tf.Tensor, dh: tf.Tensor, ...dws: tf.Tensor[]];

export const linearCrossEntropyOp = defineKernel(
  'GraftLinearCrossEntropy',
  (
    { h, labels, ...ws }: Inputs,
    { gradients, trainW, chunkLogits: limit, cap, ...form }: CrossEntropyAttributes,
  ): Results => {
    const [M, C] = h.shape;
    const w = piecesFrom(ws, form, C);
    const V = form.rows.reduce((a, b) => a + b, 0);
    const rows = trainW ? Math.max(1, Math.floor(keptLogits(limit) / V)) : Math.min(M, MAX_ROWS);
    const losses: tf.Tensor[] = [];
    const dhs: tf.Tensor[] = [];
    let dws: tf.Tensor[] = [];
    for (let start = 0; start < M; start += rows) {
      const count = Math.min(rows, M - start);
      const part = {
        h: tf.slice(h, [start, 0], [count, C]),
        w,
        labels: tf.slice(labels, [start], [count]),
        cap,
      };
      const chunk = Math.max(1, Math.floor(limit / count));
      const result = tf.tidy(() => (trainW ? wholeRows(part, chunk) : streamedVocabulary(part, gradients, chunk)));
      losses.push(result.loss);
      if (result.dh) dhs.push(result.dh);
      dws = result.dws?.map((dw, i) => (dws[i] ? addAndDispose(dws[i], dw) : dw)) ?? dws;
    }
    return [tf.sum(tf.stack(losses)), dhs.length ? tf.concat(dhs, 0) : tf.scalar(0), ...dws];
  },
);

/** W as the op's inputs and attributes say it is. */
export function piecesFrom(
  ws: Record<`w${number}`, tf.Tensor>,
  { format, rows }: Pick<CrossEntropyAttributes, 'format' | 'rows'>,
  C: number,
): Parameter {
  const dtype = BASE_DTYPES[format] ?? 'f32';
  return inPieces(
    'w',
    rows.map((R, i): Parameter => {
      const [name, value] = [`w${i}`, ws[`w${i}`]!];
      return dtype === 'f32' ? { name, value } : { name, value, packed: { format: dtype, shape: [R, C] } };
    }),
  );
}

interface Part {
  /** (M, C) */
  h: tf.Tensor2D;
  /** (V, C) */
  w: Parameter;
  /** (M) */
  labels: tf.Tensor1D;
  /** 0: none. */
  cap: number;
}

type PartResult = {
  /** Summed over the rows. */
  loss: tf.Scalar;
  dh?: tf.Tensor;
  /** One per piece of w. */
  dws?: tf.Tensor[];
};

/** Running maximum and sum of exponentials per row, (1, M), and sum of exp·W, (M, C). */
type Running = { top: tf.Tensor; sum: tf.Tensor; weighted?: tf.Tensor };

function capped<T extends tf.Tensor>(logits: T, cap: number): T {
  return cap > 0 ? tf.mul(tf.tanh(tf.div(logits, tf.scalar(cap))), tf.scalar(cap)) : logits;
}

/** gradients·(1 - (z/cap)^2) for capped logits z. */
function throughCap<T extends tf.Tensor>(gradients: T, z: tf.Tensor, cap: number): T {
  return cap > 0 ? tf.mul(gradients, tf.sub(tf.scalar(1), tf.square(tf.div(z, tf.scalar(cap))))) : gradients;
}

/**
 * The logits of the labels, summed, and the gradient of that for h and for the labels' rows of w, (M, C) each. target:
 * w at the labels.
 */
function ofLabels(
  h: tf.Tensor2D,
  target: tf.Tensor2D,
  cap: number,
): { logits: tf.Tensor; dh: tf.Tensor2D; ofW: tf.Tensor2D } {
  if (cap === 0) return { logits: tf.sum(tf.mul(h, target)), dh: target, ofW: h };
  const z = capped(tf.sum(tf.mul(h, target), 1, true), cap); // (M, 1)
  return { logits: tf.sum(z), dh: throughCap(target, z, cap), ofW: throughCap(h, z, cap) };
}

function streamedVocabulary({ h, w, labels, cap }: Part, gradients: boolean, chunk: number): PartResult {
  const hT = tf.transpose(h) as tf.Tensor2D; // (C, M)
  const label = ofLabels(h, lookUp(w, labels), cap);
  let state: Running | null = null;
  for (const piece of piecesOf(w)) {
    const [R = 0] = parameterShape(piece);
    for (let start = 0; start < R; start += chunk) {
      const before: Running | null = state;
      const some = (): tf.Tensor2D => floatRows(piece, start, Math.min(chunk, R - start));
      state = tf.tidy(() => addChunk(before, some(), hT, cap, gradients));
      if (before) tf.dispose(before);
    }
  }
  if (!state) throw new Error('a vocabulary has at least one token');
  const { top, sum, weighted } = state;
  const loss = tf.sub(tf.sum(tf.add(tf.log(sum), top)), label.logits) as tf.Scalar;
  return weighted ? { loss, dh: tf.sub(tf.div(weighted, tf.reshape(sum, [-1, 1])), label.dh) } : { loss };
}

function addChunk(before: Running | null, w: tf.Tensor2D, hT: tf.Tensor2D, cap: number, gradients: boolean): Running {
  const logits: tf.Tensor2D = capped(tf.matMul(w, hT), cap); // (chunk, M)
  const chunkTop = tf.max(logits, 0, true);
  const top = before ? tf.maximum(before.top, chunkTop) : chunkTop;
  const exp = exponentials(logits, top, cap);
  const sum = tf.sum(exp, 0, true);
  const weighted = gradients ? tf.matMul(throughCap(exp, logits, cap), w, true) : undefined; // (M, C)
  if (!before) return { top, sum, ...(weighted ? { weighted } : {}) };
  const shrink = tf.exp(tf.sub(before.top, top)); // (1, M)
  const total = tf.add(tf.mul(before.sum, shrink), sum);
  if (!weighted || !before.weighted) return { top, sum: total };
  return { top, sum: total, weighted: tf.add(tf.mul(before.weighted, tf.reshape(shrink, [-1, 1])), weighted) };
}

/**
 * Rows with the exponentials of all their logits, as the gradient of w needs them: dW = P^T·h - scatter(h at y), P =
 * exp/sum. They are kept in chunks of the vocabulary, each of which gives its part of dW once the sums are known; the
 * division by them goes into h, which is small.
 */
function wholeRows({ h, w, labels, cap }: Part, chunk: number): PartResult {
  const hT = tf.transpose(h) as tf.Tensor2D; // (C, M)
  const label = ofLabels(h, lookUp(w, labels), cap);
  const pieces = piecesOf(w).map((piece) => chunksOf(piece, chunk));
  // (chunk, M) each
  const logits = pieces.map((chunks) => chunks.map((rows): tf.Tensor2D => capped(tf.matMul(rows(), hT), cap)));
  const top = tf.max(
    tf.concat(
      logits.flat().map((z) => tf.max(z, 0, true)),
      0,
    ),
    0,
    true,
  ); // (1, M)
  const exps = logits.map((all) => all.map((z) => exponentials(z, top, cap)));
  const sum = tf.sum(
    tf.concat(
      exps.flat().map((e) => tf.sum(e, 0, true)),
      0,
    ),
    0,
    true,
  ); // (1, M)
  const loss = tf.sub(tf.sum(tf.add(tf.log(sum), top)), label.logits) as tf.Scalar;
  const sums = tf.reshape(sum, [-1, 1]);
  const shares: tf.Tensor2D = tf.div(h, sums); // (M, C)
  let weighted: tf.Tensor = tf.zerosLike(h);
  const minusOfLabels = tf.neg(label.ofW);
  let startRow = 0;
  const dws = pieces.map((chunks, p) => {
    const parts = chunks.map((rows, c) => {
      const [z, e] = [logits[p]![c]!, exps[p]![c]!];
      const [dw, ofH] = tf.tidy(() => {
        const dz = throughCap(e, z, cap);
        return [tf.matMul(dz, shares), tf.matMul(dz, rows(), true)];
      });
      tf.dispose([z, e]);
      weighted = addAndDispose(weighted, ofH);
      return dw;
    });
    const dw = concatAndDispose(parts) as tf.Tensor2D;
    const [gradient] = addRowsOp({ sum: dw, x: minusOfLabels, ids: labels }, { startRow });
    startRow += dw.shape[0];
    dw.dispose();
    return gradient;
  });
  return { loss, dh: tf.sub(tf.div(weighted, sums), label.dh), dws };
}

/** Rows of a piece of w, float32, `chunk` at a time. */
function chunksOf(piece: Parameter, chunk: number): (() => tf.Tensor2D)[] {
  const [R = 0] = parameterShape(piece);
  return Array.from({ length: Math.ceil(R / chunk) }, (_, i) => {
    const start = i * chunk;
    return () => floatRows(piece, start, Math.min(chunk, R - start));
  });
}

/** exp(z - top); z stays only where the cap needs it again. */
function exponentials(z: tf.Tensor2D, top: tf.Tensor, cap: number): tf.Tensor2D {
  const shifted = tf.sub(z, top);
  if (cap === 0) z.dispose();
  const e = tf.exp(shifted) as tf.Tensor2D;
  shifted.dispose();
  return e;
}

function concatAndDispose(parts: tf.Tensor[]): tf.Tensor {
  const [first, ...others] = parts;
  if (first && others.length === 0) return first;
  const all = tf.concat(parts, 0);
  tf.dispose(parts);
  return all;
}

function addAndDispose(a: tf.Tensor, b: tf.Tensor): tf.Tensor {
  const sum = tf.add(a, b);
  tf.dispose([a, b]);
  return sum;
}

/**
 * Sum over rows of the cross-entropy. h: (M, C), w: (V, C) in any form, labels: (M) int32 in [0, V). Returns a scalar.
 * `gradients`: compute them in the same pass (training); `trainW`: also for w. `chunkLogits` bounds the memory; `cap`
 * 0: none.
 */
export function linearCrossEntropy(
  h: tf.Tensor2D,
  w: Parameter,
  labels: tf.Tensor1D,
  {
    gradients,
    trainW,
    cap = 0,
    chunkLogits = mostLogits(),
  }: Pick<CrossEntropyOptions, 'gradients' | 'trainW'> & Partial<CrossEntropyOptions>,
): tf.Scalar {
  const values = piecesOf(w).map(({ value }) => value);
  const form = { format: BASE_DTYPES.indexOf(dtypeOf(w)), rows: piecesOf(w).map((piece) => parameterShape(piece)[0]!) };
  const inputs = { h, labels, ...Object.fromEntries(values.map((value, i) => [`w${i}`, value])) };
  const run = tf.customGrad((...given: unknown[]) => {
    const save = given.at(-1) as tf.GradSaveFunc;
    const [loss, dh, ...dws] = linearCrossEntropyOp(inputs, { gradients, trainW, chunkLogits, cap, ...form });
    save([dh, ...dws]);
    return { value: loss, gradFunc: (dLoss: tf.Tensor, saved: tf.Tensor[]) => saved.map((d) => tf.mul(d, dLoss)) };
  });
  return run(h, ...(trainW ? values : [])) as tf.Scalar;
}

/** Logits kept at once, where `limit` of them make a chunk. */
function keptLogits(limit: number): number {
  return Math.max(limit, Math.min(CHUNKS_KEPT * limit, MOST_KEPT));
}

/** What a device binds is a bound, too. */
function mostLogits(): number {
  return tf.getBackend() === 'webgpu' ? Math.min(CHUNK_LOGITS_ON_CARD, mostBytesPerBinding() / 4) : CHUNK_LOGITS;
}
