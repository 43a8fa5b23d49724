/**
 * Cross-entropy of the vocabulary projection, without ever holding the whole logits matrix:
 * loss = sum_i (logsumexp_v(h_i·W^T) - h_i·W_{y_i}). Rows go through in chunks, and the gradient of h (and of W when
 * it is trained) is computed in the same pass, as in Wijmans et al. 2024 (Cut Cross-Entropy):
 * dh = P·W - W[y], dW = P^T·h - scatter(h at y), P = softmax(h·W^T).
 */
import * as tf from '@tensorflow/tfjs-core';
import { defineOp } from './define.ts';
import { scatterAddRows } from './scatterAddRows.ts';

/** Most logits held at once: 4 Mi floats, 16 MiB. */
const CHUNK_LOGITS = 1 << 22;

const op = defineOp({
  name: 'GraftLinearCrossEntropy',
  forward({ h, w, labels }, { gradients, trainW, chunkLogits }) {
    const [M, C] = h!.shape as [number, number];
    const V = w!.shape[0]!;
    const rows = Math.max(1, Math.floor((chunkLogits as number) / V));
    const losses: tf.Tensor[] = [];
    const dhs: tf.Tensor[] = [];
    let dw: tf.Tensor | undefined;
    for (let start = 0; start < M; start += rows) {
      const count = Math.min(rows, M - start);
      const hc = rows >= M ? h! : tf.slice(h!, [start, 0], [count, C]);
      const yc = rows >= M ? labels! : tf.slice(labels!, [start], [count]);
      const results = tf.tidy(() => chunk(hc, w!, yc, gradients as boolean, trainW as boolean));
      losses.push(results[0]!);
      if (gradients) dhs.push(results[1]!);
      if (trainW) {
        const sum: tf.Tensor = dw ? tf.add(dw, results[2]!) : results[2]!;
        if (dw) tf.dispose([dw, results[2]!]);
        dw = sum;
      }
    }
    const loss = tf.sum(tf.concat(losses));
    const none = tf.scalar(0);
    return [loss, gradients ? tf.concat(dhs, 0) : none, dw ?? tf.clone(none)];
  },
  saveInputs: [],
  saveOutputs: [1, 2],
  gradient: ([dLoss], [dh, dw]) => ({ h: () => tf.mul(dh!, dLoss!), w: () => tf.mul(dw!, dLoss!) }),
});

/** Losses (rows), and the gradients asked for, of one chunk of rows. */
function chunk(h: tf.Tensor, w: tf.Tensor, labels: tf.Tensor, gradients: boolean, trainW: boolean): tf.Tensor[] {
  const logits = tf.matMul(h as tf.Tensor2D, w as tf.Tensor2D, false, true); // (rows, V)
  const target = tf.gather(w, labels as tf.Tensor1D); // (rows, C)
  const top = tf.max(logits, -1, true);
  const exp = tf.exp(tf.sub(logits, top));
  logits.dispose();
  const sum = tf.sum(exp, -1, true); // (rows, 1)
  const loss = tf.sub(tf.squeeze(tf.add(tf.log(sum), top), [1]), tf.sum(tf.mul(h, target), -1));
  if (!gradients) return [loss];
  const p = tf.div(exp, sum);
  exp.dispose();
  const dh = tf.sub(tf.matMul(p as tf.Tensor2D, w as tf.Tensor2D), target);
  if (!trainW) return [loss, dh];
  const dw = tf.sub(tf.matMul(p as tf.Tensor2D, h as tf.Tensor2D, true), scatterAddRows(h as tf.Tensor2D, labels as tf.Tensor1D, w.shape[0]!));
  return [loss, dh, dw];
}

/**
 * Sum over rows of the cross-entropy. h: (M, C), w: (V, C), labels: (M) int32 in [0, V). Returns a scalar.
 * `gradients`: compute them in the same pass (training); `trainW`: also for w. `chunkLogits` bounds the memory.
 */
export function linearCrossEntropy(
  h: tf.Tensor2D,
  w: tf.Tensor2D,
  labels: tf.Tensor1D,
  { gradients, trainW, chunkLogits = CHUNK_LOGITS }: { gradients: boolean; trainW: boolean; chunkLogits?: number },
): tf.Scalar {
  const [loss, dh, dw] = op({ h, w, labels }, { gradients, trainW, chunkLogits });
  tf.dispose([dh!, dw!]);
  return loss as tf.Scalar;
}
