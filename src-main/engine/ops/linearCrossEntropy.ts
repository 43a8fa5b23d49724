/**
 * Cross-entropy of the vocabulary projection, without ever holding the whole logits matrix:
 * loss = sum_i (logsumexp_v(h_i·W^T) - h_i·W_{y_i}), and in the same pass its gradient dh = P·W - W[y], P =
 * softmax(h·W^T). The vocabulary streams through in chunks with a running maximum and sum per row (Milakov & Gimelshein
 * 2018; the loss as in Wijmans et al. 2024). Logits are computed transposed, W·h^T, which libtensorflow does almost
 * twice as fast as h·W^T. With a cap c the logits s become z = c·tanh(s/c), and the gradient of each is multiplied by 1
 * - (z/c)^2.
 */
import * as tf from '@tensorflow/tfjs-core';
import { defineOp } from './define.ts';
import { scatterAddRows } from './scatterAddRows.ts';

/** Logits held at once: 2 Mi floats, 8 MiB, which stays in the processor's cache and in the allocator's reach. */
const CHUNK_LOGITS = 1 << 21;
/** On a graphics card: 128 MiB, hundreds of rows even of a large vocabulary, so that the products fill the card. */
const CHUNK_LOGITS_ON_CARD = 1 << 25;
const MAX_ROWS = 1024;

/** h: (M, C), w: (V, C), labels: (M). */
type Inputs = { h: tf.Tensor2D; w: tf.Tensor2D; labels: tf.Tensor1D };
export type CrossEntropyOptions = { gradients: boolean; trainW: boolean; chunkLogits: number; cap: number };

export const linearCrossEntropyOp = defineOp({
  name: 'GraftLinearCrossEntropy',
  forward(
    { h, w, labels }: Inputs,
    { gradients, trainW, chunkLogits: limit, cap }: CrossEntropyOptions,
  ): [loss: tf.Tensor, dh: tf.Tensor, dw: tf.Tensor] {
    const [M, C] = h.shape;
    const rows = trainW ? Math.max(1, Math.floor(limit / w.shape[0])) : Math.min(M, MAX_ROWS);
    const losses: tf.Tensor[] = [];
    const dhs: tf.Tensor[] = [];
    let dw: tf.Tensor = tf.scalar(0);
    for (let start = 0; start < M; start += rows) {
      const count = Math.min(rows, M - start);
      const part = {
        h: tf.slice(h, [start, 0], [count, C]),
        w,
        labels: tf.slice(labels, [start], [count]),
        cap,
      };
      const result = tf.tidy(() =>
        trainW ? wholeRows(part) : streamedVocabulary(part, gradients, Math.max(1, Math.floor(limit / count))),
      );
      losses.push(result.loss);
      if (result.dh) dhs.push(result.dh);
      if (result.dw) dw = addAndDispose(dw, result.dw);
    }
    return [tf.sum(tf.stack(losses)), dhs.length ? tf.concat(dhs, 0) : tf.scalar(0), dw];
  },
  saveInputs: [],
  saveOutputs: [1, 2],
  gradient: ([dLoss], [dh, dw]) => ({ h: () => tf.mul(dh, dLoss), w: () => tf.mul(dw, dLoss) }),
});

interface Part {
  /** (M, C) */
  h: tf.Tensor2D;
  /** (V, C) */
  w: tf.Tensor2D;
  /** (M) */
  labels: tf.Tensor1D;
  /** 0: none. */
  cap: number;
}

type PartResult = {
  /** Summed over the rows. */
  loss: tf.Scalar;
  dh?: tf.Tensor;
  dw?: tf.Tensor;
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
  const [V, C] = w.shape;
  const hT = tf.transpose(h) as tf.Tensor2D; // (C, M)
  const label = ofLabels(h, tf.gather(w, labels), cap);
  const chunkAt = (start: number): tf.Tensor2D => tf.slice(w, [start, 0], [Math.min(chunk, V - start), C]);
  let state = tf.tidy(() => addChunk(null, chunkAt(0), hT, cap, gradients));
  for (let start = chunk; start < V; start += chunk) {
    const before = state;
    state = tf.tidy(() => addChunk(before, chunkAt(start), hT, cap, gradients));
    tf.dispose(before);
  }
  const { top, sum, weighted } = state;
  const loss = tf.sub(tf.sum(tf.add(tf.log(sum), top)), label.logits) as tf.Scalar;
  return weighted ? { loss, dh: tf.sub(tf.div(weighted, tf.reshape(sum, [-1, 1])), label.dh) } : { loss };
}

function addChunk(before: Running | null, w: tf.Tensor2D, hT: tf.Tensor2D, cap: number, gradients: boolean): Running {
  const logits = capped(tf.matMul(w, hT), cap); // (chunk, M)
  const chunkTop = tf.max(logits, 0, true);
  const top = before ? tf.maximum(before.top, chunkTop) : chunkTop;
  const shifted = tf.sub(logits, top);
  if (cap === 0) logits.dispose();
  const exp = tf.exp(shifted) as tf.Tensor2D;
  shifted.dispose();
  const sum = tf.sum(exp, 0, true);
  const weighted = gradients ? tf.matMul(throughCap(exp, logits, cap), w, true) : undefined; // (M, C)
  if (!before) return { top, sum, ...(weighted ? { weighted } : {}) };
  const shrink = tf.exp(tf.sub(before.top, top)); // (1, M)
  const total = tf.add(tf.mul(before.sum, shrink), sum);
  if (!weighted || !before.weighted) return { top, sum: total };
  return { top, sum: total, weighted: tf.add(tf.mul(before.weighted, tf.reshape(shrink, [-1, 1])), weighted) };
}

/** Rows with all their logits, as the gradient of w needs them: dW = P^T·h - scatter(h at y). */
function wholeRows({ h, w, labels, cap }: Part): PartResult {
  const logits = capped(tf.matMul(h, w, false, true), cap); // (M, V)
  const label = ofLabels(h, tf.gather(w, labels), cap);
  const top = tf.max(logits, -1, true);
  const exp = tf.exp(tf.sub(logits, top));
  if (cap === 0) logits.dispose();
  const sum = tf.sum(exp, -1, true); // (M, 1)
  const loss = tf.sub(tf.sum(tf.add(tf.log(sum), top)), label.logits) as tf.Scalar;
  const dz = throughCap(tf.div(exp, sum) as tf.Tensor2D, logits, cap);
  exp.dispose();
  return {
    loss,
    dh: tf.sub(tf.matMul(dz, w), label.dh),
    dw: tf.sub(tf.matMul(dz, h, true), scatterAddRows(label.ofW, labels, w.shape[0])),
  };
}

function addAndDispose(a: tf.Tensor, b: tf.Tensor): tf.Tensor {
  const sum = tf.add(a, b);
  tf.dispose([a, b]);
  return sum;
}

/**
 * Sum over rows of the cross-entropy. h: (M, C), w: (V, C), labels: (M) int32 in [0, V). Returns a scalar.
 * `gradients`: compute them in the same pass (training); `trainW`: also for w. `chunkLogits` bounds the memory; `cap`
 * 0: none.
 */
export function linearCrossEntropy(
  h: tf.Tensor2D,
  w: tf.Tensor2D,
  labels: tf.Tensor1D,
  {
    gradients,
    trainW,
    cap = 0,
    chunkLogits = tf.getBackend() === 'webgpu' ? CHUNK_LOGITS_ON_CARD : CHUNK_LOGITS,
  }: Pick<CrossEntropyOptions, 'gradients' | 'trainW'> & Partial<CrossEntropyOptions>,
): tf.Scalar {
  const [loss, dh, dw] = linearCrossEntropyOp({ h, w, labels }, { gradients, trainW, chunkLogits, cap });
  tf.dispose([dh, dw]);
  return loss as tf.Scalar;
}
