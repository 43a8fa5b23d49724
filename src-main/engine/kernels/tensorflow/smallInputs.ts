/**
 * Norms, activations and rotary positions of small tensors, as when a token at a time is decoded: a loop here takes a
 * tenth of the time of the ten calls into libtensorflow that the composites make.
 */
import type * as tf from '@tensorflow/tfjs-core';
import type { TensorflowBackend } from '../../backends/tfjsInternals.ts';
import { CUBIC, LINEAR } from '../../ops/gelu.ts';

type Inputs<Names extends string> = Record<Names, tf.TensorInfo>;

function read(backend: TensorflowBackend, { dataId }: tf.TensorInfo): Float32Array {
  return backend.readSync(dataId);
}

function tensor(backend: TensorflowBackend, values: Float32Array, shape: number[]): tf.TensorInfo {
  return { dataId: backend.write(values, shape, 'float32'), shape, dtype: 'float32' };
}

/** y, normed, inverse, as ops/layerNorm.ts keeps them. */
export function smallLayerNorm(
  backend: TensorflowBackend,
  { x, w, b }: Inputs<'x' | 'w' | 'b'>,
  { eps }: { eps: number },
): [y: tf.TensorInfo, normed: tf.TensorInfo, inverse: tf.TensorInfo] {
  const [N, C] = x.shape as [number, number];
  const [values, weight, bias] = [read(backend, x), read(backend, w), read(backend, b)];
  const [y, normed, inverse] = [new Float32Array(N * C), new Float32Array(N * C), new Float32Array(N)];
  for (let n = 0; n < N; n++) {
    let sum = 0;
    for (let i = n * C; i < (n + 1) * C; i++) sum += values[i]!;
    const mean = sum / C;
    let squares = 0;
    for (let i = n * C; i < (n + 1) * C; i++) squares += (values[i]! - mean) ** 2;
    inverse[n] = 1 / Math.sqrt(squares / C + eps);
    for (let c = 0, i = n * C; c < C; c++, i++) {
      normed[i] = (values[i]! - mean) * inverse[n]!;
      y[i] = normed[i]! * weight[c]! + bias[c]!;
    }
  }
  return [tensor(backend, y, [N, C]), tensor(backend, normed, [N, C]), tensor(backend, inverse, [N, 1])];
}

/** y, inverse, as ops/rmsNorm.ts keeps them. */
export function smallRmsNorm(
  backend: TensorflowBackend,
  { x, w }: Inputs<'x' | 'w'>,
  { eps }: { eps: number },
): [y: tf.TensorInfo, inverse: tf.TensorInfo] {
  const [N, C] = x.shape as [number, number];
  const [values, weight] = [read(backend, x), read(backend, w)];
  const [y, inverse] = [new Float32Array(N * C), new Float32Array(N)];
  for (let n = 0; n < N; n++) {
    let squares = 0;
    for (let i = n * C; i < (n + 1) * C; i++) squares += values[i]! ** 2;
    inverse[n] = 1 / Math.sqrt(squares / C + eps);
    for (let c = 0, i = n * C; c < C; c++, i++) y[i] = values[i]! * inverse[n]! * weight[c]!;
  }
  return [tensor(backend, y, [N, C]), tensor(backend, inverse, [N, 1])];
}

/** sum = x + f, then y, normed, inverse, as ops/layerNorm.ts keeps them. */
export function smallAddLayerNorm(
  backend: TensorflowBackend,
  { x, f, w, b }: Inputs<'x' | 'f' | 'w' | 'b'>,
  options: { eps: number },
): [sum: tf.TensorInfo, y: tf.TensorInfo, normed: tf.TensorInfo, inverse: tf.TensorInfo] {
  const sum = smallSum(backend, x, f);
  return [sum, ...smallLayerNorm(backend, { x: sum, w, b }, options)];
}

/** sum = x + f, then y, inverse, as ops/rmsNorm.ts keeps them. */
export function smallAddRmsNorm(
  backend: TensorflowBackend,
  { x, f, w }: Inputs<'x' | 'f' | 'w'>,
  options: { eps: number },
): [sum: tf.TensorInfo, y: tf.TensorInfo, inverse: tf.TensorInfo] {
  const sum = smallSum(backend, x, f);
  return [sum, ...smallRmsNorm(backend, { x: sum, w }, options)];
}

function smallSum(backend: TensorflowBackend, a: tf.TensorInfo, b: tf.TensorInfo): tf.TensorInfo {
  const [left, right] = [read(backend, a), read(backend, b)];
  const sum = new Float32Array(left.length);
  for (let i = 0; i < sum.length; i++) sum[i] = left[i]! + right[i]!;
  return tensor(backend, sum, a.shape);
}

/** As ops/gelu.ts. */
export function smallGelu(backend: TensorflowBackend, { x }: Inputs<'x'>): [tf.TensorInfo] {
  const values = read(backend, x);
  const y = new Float32Array(values.length);
  for (let i = 0; i < y.length; i++) {
    const v = values[i]!;
    y[i] = v / (1 + Math.exp(-v * (LINEAR + CUBIC * v * v)));
  }
  return [tensor(backend, y, x.shape)];
}

/** As ops/swiglu.ts. */
export function smallSwiglu(backend: TensorflowBackend, { gate, up }: Inputs<'gate' | 'up'>): [tf.TensorInfo] {
  const [gates, ups] = [read(backend, gate), read(backend, up)];
  const y = new Float32Array(gates.length);
  for (let i = 0; i < y.length; i++) {
    const g = gates[i]!;
    y[i] = (g / (1 + Math.exp(-g))) * ups[i]!;
  }
  return [tensor(backend, y, gate.shape)];
}

/** As ops/rotary.ts. x: (B, H, T, D); cos, sin: (T, R/2) or (B, 1, T, R/2). */
export function smallRotary(backend: TensorflowBackend, { x, cos, sin }: Inputs<'x' | 'cos' | 'sin'>): [tf.TensorInfo] {
  const [B, H, T, D] = x.shape as [number, number, number, number];
  const [values, cosines, sines] = [read(backend, x), read(backend, cos), read(backend, sin)];
  const half = cos.shape.at(-1) ?? 0;
  const y = Float32Array.from(values); // what does not turn stays
  for (let row = 0; row < B * H * T; row++) {
    const table = (cos.shape.length === 4 ? Math.floor(row / (H * T)) * T + (row % T) : row % T) * half;
    for (let j = 0, i = row * D; j < half; j++, i++) {
      const c = cosines[table + j]!;
      const s = sines[table + j]!;
      y[i] = values[i]! * c - values[i + half]! * s;
      y[i + half] = values[i + half]! * c + values[i]! * s;
    }
  }
  return [tensor(backend, y, x.shape)];
}
