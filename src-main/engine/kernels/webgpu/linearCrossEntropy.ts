/**
 * Cross-entropy of the vocabulary projection (see ops/linearCrossEntropy.ts), rows in chunks of which only one is held:
 * logits Z = h·W^T, piece by piece of W in whatever form it is kept, while each row's maximum and sum of exponentials
 * run on (Milakov & Gimelshein 2018); then each piece of Z becomes softmax(Z) - onehot(y) in place, and dh = Z·W and dW
 * = Z^T·h follow (Wijmans et al. 2024). With a cap c, Z = c·tanh(h·W^T/c), and the gradient is multiplied by 1 -
 * (Z/c)^2. h: (M, C), w: (V, C), labels: (M) int32.
 */
import * as tf from '@tensorflow/tfjs-core';
import { tensorOf, type WebgpuBackend } from '../../backends/tfjsInternals.ts';
import { parameterShape, piecesOf, type Parameter } from '../../model/parameters.ts';
import { frozenLinear } from '../../ops/frozenLinear.ts';
import { linearCrossEntropyOp, piecesFrom, type CrossEntropyOptions } from '../../ops/linearCrossEntropy.ts';
import { webgpuKernel } from './kernel.ts';
import { runProgram, type Program } from './program.ts';
import { highestSnippet, totalSnippet } from './reduce.ts';

const LANES = 256;
/** What is known of a row: the maximum of its logits, the sum of exp(logit - maximum), the logit of its label. */
const STATE = 3;

const CAPPED = `
fn capped(s: f32) -> f32 {
  if (u.cap == 0.0) { return s; }
  return u.cap * tanh(clamp(s / u.cap, -20.0, 20.0));
}`;

/** The state of each row with the logits z of one more piece, and the loss were it the last. */
const ADD_PIECE: Program = {
  key: 'GraftLinearCrossEntropy piece',
  inputs: { z: 'f32', labels: 'i32', before: 'f32' },
  outputs: { after: 'f32', loss: 'f32' },
  uniforms: { columns: 'u32', startRow: 'u32', cap: 'f32' },
  lanes: LANES,
  declarations: `${highestSnippet(LANES)} ${totalSnippet(LANES)} ${CAPPED}`,
  body: `
  let row = group * u.columns;
  var most = -3e38;
  for (var c = lane; c < u.columns; c += ${LANES}u) { most = max(most, capped(z[row + c])); }
  let known = ${STATE}u * group;
  let top = max(before[known], highest(most, lane));
  var exps = 0.0;
  for (var c = lane; c < u.columns; c += ${LANES}u) { exps += exp(capped(z[row + c]) - top); }
  let sum = before[known + 1u] * exp(before[known] - top) + total(exps, lane);
  let label = u32(labels[group]) - u.startRow; // wraps to more than any column where it lies before
  if (lane == 0u) {
    var own = before[known + 2u];
    if (label < u.columns) { own = capped(z[row + label]); }
    after[known] = top;
    after[known + 1u] = sum;
    after[known + 2u] = own;
    loss[group] = log(sum) + top - own;
  }`,
};

const SOFTMAX_MINUS_ONEHOT: Program = {
  key: 'GraftLinearCrossEntropy gradient',
  inputs: { z: 'f32', labels: 'i32', state: 'f32' },
  inPlace: 'z',
  outputs: {},
  uniforms: { columns: 'u32', startRow: 'u32', cap: 'f32' },
  lanes: LANES,
  declarations: `${CAPPED}
fn throughCap(gradient: f32, z: f32) -> f32 {
  if (u.cap == 0.0) { return gradient; }
  return gradient * (1.0 - (z / u.cap) * (z / u.cap));
}`,
  body: `
  let row = group * u.columns;
  let label = u32(labels[group]) - u.startRow;
  let top = state[${STATE}u * group];
  let sum = state[${STATE}u * group + 1u];
  for (var c = lane; c < u.columns; c += ${LANES}u) {
    let logit = capped(z[row + c]);
    z[row + c] = throughCap(exp(logit - top) / sum - select(0.0, 1.0, c == label), logit);
  }`,
};

/** One piece of the vocabulary: rows startRow … of W, and the logits that they give. */
interface Piece {
  w: Parameter;
  z: tf.Tensor2D;
  uniforms: { columns: number; startRow: number; cap: number };
}

type Sums = { loss: tf.Tensor; dh?: tf.Tensor; dws?: tf.Tensor[] };

/** One chunk of rows: the summed loss, dh (rows, C) and for each piece of W dw where asked for. */
function chunk(
  backend: WebgpuBackend,
  h: tf.Tensor2D,
  w: Parameter,
  labels: tf.Tensor1D,
  { gradients, trainW, cap }: CrossEntropyOptions,
): Sums {
  const [count] = h.shape;
  const pieces: Piece[] = [];
  let state: tf.TensorInfo = tf.tile(tf.tensor2d([[-3e38, 0, 0]]), [count, 1]);
  let losses: tf.TensorInfo = state;
  let startRow = 0;
  for (const piece of piecesOf(w)) {
    const [columns = 0] = parameterShape(piece);
    const one = { w: piece, z: frozenLinear(h, piece, undefined, 'out_in'), uniforms: { columns, startRow, cap } };
    [state, losses] = runProgram(backend, ADD_PIECE, [one.z, labels, state], one.uniforms, count, [
      [count, STATE],
      [count],
    ]).map(tensorOf) as [tf.Tensor, tf.Tensor];
    startRow += columns;
    if (gradients) pieces.push(one);
    else one.z.dispose();
  }
  const loss = tf.sum(losses as tf.Tensor);
  if (!gradients) return { loss };
  for (const { z, uniforms } of pieces)
    runProgram(backend, SOFTMAX_MINUS_ONEHOT, [z, labels, state], uniforms, count, []);
  return {
    loss,
    dh: pieces.map((piece) => frozenLinear(piece.z, piece.w, undefined, 'in_out')).reduce(addAndDispose),
    ...(trainW ? { dws: pieces.map(({ z }) => tf.matMul(z, h, true)) } : {}),
  };
}

function forward(
  backend: WebgpuBackend,
  h: tf.Tensor2D,
  w: Parameter,
  labels: tf.Tensor1D,
  options: CrossEntropyOptions,
): [loss: tf.Tensor, dh: tf.Tensor, ...dws: tf.Tensor[]] {
  const [M, C] = h.shape;
  const [V = 1] = parameterShape(w);
  const rows = Math.max(1, Math.floor(options.chunkLogits / V));
  let loss: tf.Tensor = tf.scalar(0);
  let dws: tf.Tensor[] = [];
  const dhs: tf.Tensor[] = [];
  for (let start = 0; start < M; start += rows) {
    const count = Math.min(rows, M - start);
    const sums = tf.tidy(() =>
      chunk(backend, tf.slice(h, [start, 0], [count, C]), w, tf.slice(labels, [start], [count]), options),
    );
    loss = addAndDispose(loss, sums.loss);
    dws = sums.dws?.map((dw, i) => (dws[i] ? addAndDispose(dws[i], dw) : dw)) ?? dws;
    if (sums.dh) dhs.push(sums.dh);
  }
  return [loss, dhs.length ? tf.concat(dhs, 0) : tf.scalar(0), ...dws];
}

function addAndDispose<T extends tf.Tensor>(a: T, b: T): T {
  const sum: T = tf.add(a, b);
  tf.dispose([a, b]);
  return sum;
}

export const linearCrossEntropyKernels = [
  webgpuKernel(linearCrossEntropyOp, (backend, { h, labels, ...ws }, { format, rows, ...options }) =>
    tf.tidy(() => {
      const states = h as tf.Tensor2D;
      const w = piecesFrom(ws as Parameters<typeof piecesFrom>[0], { format, rows }, states.shape[1]);
      return forward(backend, states, w, labels as tf.Tensor1D, options);
    }),
  ),
];
