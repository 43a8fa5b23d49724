/** Graft's side of `kernels` and of the machine's peak: one kernel called again and again. */
import * as tf from '@tensorflow/tfjs-core';
import type { BaseDtype } from '../../src-shared/baseDtypes.ts';
import { packMatrix } from '../../src-main/engine/packed/packMatrix.ts';
import { settleTuning } from '../../src-main/engine/kernels/webgpu/frozen/tuner.ts';
import type { Parameter } from '../../src-main/engine/model/parameters.ts';
import { fullRows } from '../../src-main/engine/model/packing.ts';
import { attentionMask } from '../../src-main/engine/ops/attention.ts';
import { frozenLinear } from '../../src-main/engine/ops/frozenLinear.ts';
import { rowsAttention } from '../../src-main/engine/ops/rowsAttention.ts';
import { Random } from '../../src-shared/random.ts';
import type { AttentionSize, ProductSize } from './protocol.ts';

const SEED = 6;

/** Milliseconds per product. */
export async function timeProduct({
  n,
  inner,
  width,
  format,
  repeats,
}: ProductSize & { format: BaseDtype; repeats: number }): Promise<number> {
  const random = new Random(SEED);
  const x = tf.tensor2d(random.normal(n * inner), [n, inner]);
  const w = frozenWeight(random.normal(width * inner), width, inner, format);
  return perCall(() => frozenLinear(x, w, undefined, 'out_in'), [x, w.value], repeats);
}

/** Milliseconds per product x·W of float32 matrices that both lie as the product reads them. */
export async function timeGemm({ n, inner, width, repeats }: ProductSize & { repeats: number }): Promise<number> {
  const random = new Random(SEED);
  const x = tf.tensor2d(random.normal(n * inner), [n, inner]);
  const w = tf.tensor2d(random.normal(inner * width), [inner, width]);
  return perCall(() => tf.matMul(x, w), [x, w], repeats);
}

function frozenWeight(values: Float32Array, R: number, C: number, format: BaseDtype): Parameter {
  if (format === 'f32') return { name: 'w', value: tf.tensor2d(values, [R, C]) };
  const { words } = packMatrix('w', values, R, C, format);
  return { name: 'w', value: tf.tensor1d(words, 'int32'), packed: { format, shape: [R, C] } };
}

/** Milliseconds per causal attention, or with `backward` per pass forth and back. */
export async function timeAttention({
  batch,
  heads,
  kvHeads,
  length,
  width,
  backward,
  repeats,
}: AttentionSize & { repeats: number }): Promise<number> {
  const random = new Random(SEED);
  const tensor = (count: number): tf.Tensor2D =>
    tf.tensor2d(random.normal(batch * count * length * width), [batch * length, count * width]);
  const [q, k, v] = [tensor(heads), tensor(kvHeads), tensor(kvHeads)];
  const rows = { B: batch, T: length, ...fullRows(batch, length, 0) };
  const mask = attentionMask(length, length, 0);
  const options = { heads, kvHeads, window: 0, cap: 0, mask, tables: null };
  const run = (q: tf.Tensor, k: tf.Tensor, v: tf.Tensor): tf.Tensor =>
    rowsAttention(q as tf.Tensor2D, k as tf.Tensor2D, v as tf.Tensor2D, rows, options);
  const gradients = tf.grads(run);
  return perCall(
    () => (backward ? gradients([q, k, v])[0]! : run(q, k, v)),
    [q, k, v, mask, rows.starts, rows.positions],
    repeats,
  );
}

/** After calls that compile and choose a variant; reading one number of the last result waits for all before it. */
async function perCall(work: () => tf.Tensor, inputs: tf.Tensor[], repeats: number): Promise<number> {
  await finish([tf.tidy(work)]);
  await settleTuning();
  await finish([tf.tidy(work)]);
  const started = performance.now();
  const results: tf.Tensor[] = [];
  for (let i = 0; i < repeats; i++) {
    results.pop()?.dispose();
    results.push(tf.tidy(work));
  }
  await finish(results);
  const ms = (performance.now() - started) / repeats;
  tf.dispose(inputs);
  return ms;
}

async function finish(results: tf.Tensor[]): Promise<void> {
  const last = tf.tidy(() => tf.slice(tf.reshape(results.at(-1)!, [-1]), [0], [1]));
  await last.data();
  tf.dispose([last, ...results]);
}
