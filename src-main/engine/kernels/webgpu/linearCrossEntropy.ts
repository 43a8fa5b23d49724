/**
 * Cross-entropy of the vocabulary projection (see ops/linearCrossEntropy.ts), rows in chunks of which only one is held:
 * logits Z = h·W^T, then one workgroup per row turns Z in place into softmax(Z) - onehot(y) and writes the row's loss,
 * logsumexp(Z) - Z_y; dh = Z·W and dW = Z^T·h follow (Wijmans et al. 2024). With a cap c, Z = c·tanh(h·W^T/c), and the
 * gradient is multiplied by 1 - (Z/c)^2. h: (M, C), w: (V, C), labels: (M) int32.
 */
import * as tf from '@tensorflow/tfjs-core';
import { tensorOf, type WebgpuBackend } from '../../backends/tfjsInternals.ts';
import { linearCrossEntropyOp, type CrossEntropyOptions } from '../../ops/linearCrossEntropy.ts';
import { webgpuKernel } from './kernel.ts';
import { runProgram, type Program } from './program.ts';
import { highestSnippet, totalSnippet } from './reduce.ts';

const LANES = 256;

const SOFTMAX_MINUS_ONEHOT: Program = {
  key: 'GraftLinearCrossEntropy rows',
  inputs: { z: 'f32', labels: 'i32' },
  inPlace: 'z',
  outputs: { loss: 'f32' },
  uniforms: { columns: 'u32', gradients: 'u32', cap: 'f32' },
  lanes: LANES,
  declarations: `${highestSnippet(LANES)} ${totalSnippet(LANES)}
fn capped(s: f32) -> f32 {
  if (u.cap == 0.0) { return s; }
  return u.cap * tanh(clamp(s / u.cap, -20.0, 20.0));
}
fn throughCap(gradient: f32, z: f32) -> f32 {
  if (u.cap == 0.0) { return gradient; }
  return gradient * (1.0 - (z / u.cap) * (z / u.cap));
}`,
  body: `
  let row = group * u.columns;
  let label = u32(labels[group]);
  var most = -3e38;
  for (var c = lane; c < u.columns; c += ${LANES}u) { most = max(most, capped(z[row + c])); }
  let top = highest(most, lane);
  var exps = 0.0;
  for (var c = lane; c < u.columns; c += ${LANES}u) { exps += exp(capped(z[row + c]) - top); }
  let sum = total(exps, lane);
  if (lane == label % ${LANES}u) { loss[group] = log(sum) + top - capped(z[row + label]); }
  if (u.gradients == 0u) { return; }
  for (var c = lane; c < u.columns; c += ${LANES}u) {
    let logit = capped(z[row + c]);
    z[row + c] = throughCap(exp(logit - top) / sum - select(0.0, 1.0, c == label), logit);
  }`,
};

type Sums = { loss: tf.Tensor; dh?: tf.Tensor; dw?: tf.Tensor };

/** One chunk of rows: the summed loss, dh (rows, C) and dw (V, C) where asked for. */
function chunk(
  backend: WebgpuBackend,
  h: tf.Tensor2D,
  w: tf.Tensor2D,
  labels: tf.Tensor1D,
  { gradients, trainW, cap }: CrossEntropyOptions,
): Sums {
  const [count, V] = [h.shape[0], w.shape[0]];
  const z = tf.matMul(h, w, false, true);
  const [losses] = runProgram(
    backend,
    SOFTMAX_MINUS_ONEHOT,
    [z, labels],
    { columns: V, gradients: Number(gradients), cap },
    count,
    [[count]],
  );
  const sums: Sums = { loss: tf.sum(tensorOf(losses)) };
  if (gradients) sums.dh = tf.matMul(z, w);
  if (trainW) sums.dw = tf.matMul(z, h, true);
  return sums;
}

function forward(
  backend: WebgpuBackend,
  h: tf.Tensor2D,
  w: tf.Tensor2D,
  labels: tf.Tensor1D,
  options: CrossEntropyOptions,
): [loss: tf.Tensor, dh: tf.Tensor, dw: tf.Tensor] {
  const [M, C] = h.shape;
  const rows = Math.max(1, Math.floor(options.chunkLogits / w.shape[0]));
  let [loss, dw]: [tf.Tensor, tf.Tensor] = [tf.scalar(0), tf.scalar(0)];
  const dhs: tf.Tensor[] = [];
  for (let start = 0; start < M; start += rows) {
    const count = Math.min(rows, M - start);
    const sums = tf.tidy(() =>
      chunk(backend, tf.slice(h, [start, 0], [count, C]), w, tf.slice(labels, [start], [count]), options),
    );
    loss = addAndDispose(loss, sums.loss);
    if (sums.dw) dw = addAndDispose(dw, sums.dw);
    if (sums.dh) dhs.push(sums.dh);
  }
  return [loss, dhs.length ? tf.concat(dhs, 0) : tf.scalar(0), dw];
}

function addAndDispose(a: tf.Tensor, b: tf.Tensor): tf.Tensor {
  const sum = tf.add(a, b);
  tf.dispose([a, b]);
  return sum;
}

export const linearCrossEntropyKernels = [
  webgpuKernel(linearCrossEntropyOp, (backend, { h, w, labels }, options) =>
    tf.tidy(() => forward(backend, h as tf.Tensor2D, w as tf.Tensor2D, labels as tf.Tensor1D, options)),
  ),
];
