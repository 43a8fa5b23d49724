/** Graft's side of `kernels`: one kernel called again and again on the webgpu engine. */
import * as tf from '@tensorflow/tfjs-core';
import { frozenMatmul, type FrozenFormat, type FrozenWeight } from '../../src-main/engine/kernels/webgpu/frozenMatmul.ts';
import { packMatrix } from '../../src-main/engine/kernels/webgpu/packWeights.ts';
import type { WebgpuBackend } from '../../src-main/engine/kernels/webgpu/program.ts';
import { attention, causalMask } from '../../src-main/engine/ops/attention.ts';
import { Random } from '../../src-main/engine/random.ts';
import type { AttentionSize, ProductSize, WeightFormat } from './protocol.ts';

const SEED = 6;

/** Milliseconds per product. */
export async function timeProduct({ n, inner, width, format, repeats }: ProductSize & { format: WeightFormat; repeats: number }): Promise<number> {
  const random = new Random(SEED);
  const x = tf.tensor2d(random.normal(n * inner), [n, inner]);
  const values = random.normal(width * inner);
  if (format === 'f32') {
    const w = tf.tensor2d(values, [width, inner]);
    return perCall(() => tf.matMul(x, w, false, true), [x, w], repeats);
  }
  const weight = packedWeight(values, width, inner, format);
  const kernel = (): tf.Tensor => tf.engine().makeTensorFromTensorInfo(frozenMatmul(tf.backend() as unknown as WebgpuBackend, x, weight, true));
  return perCall(kernel, [x, weight.words as tf.Tensor, weight.scales as tf.Tensor], repeats);
}

function packedWeight(values: Float32Array, R: number, C: number, format: FrozenFormat): FrozenWeight {
  const { words, scales } = packMatrix(values, R, C, format);
  return { format, R, C, words: tf.tensor1d(words, 'int32'), scales: tf.tensor1d(scales) };
}

/** Milliseconds per causal attention, or with `backward` per pass forth and back. */
export async function timeAttention({ batch, heads, kvHeads, length, width, backward, repeats }: AttentionSize & { repeats: number }): Promise<number> {
  const random = new Random(SEED);
  const tensor = (count: number): tf.Tensor4D => tf.tensor4d(random.normal(batch * count * length * width), [batch, count, length, width]);
  const [q, k, v] = [tensor(heads), tensor(kvHeads), tensor(kvHeads)];
  const mask = causalMask(length, length);
  const run = (q: tf.Tensor, k: tf.Tensor, v: tf.Tensor): tf.Tensor => attention(q as tf.Tensor4D, k as tf.Tensor4D, v as tf.Tensor4D, mask);
  const gradients = tf.grads(run);
  return perCall(() => (backward ? gradients([q, k, v])[0]! : run(q, k, v)), [q, k, v, mask], repeats);
}

/** After a first call that compiles; reading one number of the last result waits for all before it. */
async function perCall(work: () => tf.Tensor, inputs: tf.Tensor[], repeats: number): Promise<number> {
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
