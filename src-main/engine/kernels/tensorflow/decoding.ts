/**
 * Decoding token by token: the cache, and attention to it. libtensorflow's InplaceUpdate writes rows into the memory of
 * its input, whoever else holds it, so the T new columns cost what they are, not a copy of all that came before.
 */
import * as tf from '@tensorflow/tfjs-core';
import { flag, floatType, indexType, type TensorflowBackend } from '../../backends/tfjsInternals.ts';

function reshaped(backend: TensorflowBackend, x: tf.TensorInfo, shape: number[]): tf.Tensor {
  return backend.executeSingleOutput(
    'Reshape',
    [floatType(backend), indexType(backend, 'Tshape')],
    [x, tf.tensor1d(shape, 'int32')],
  );
}

/** cache: (B, K, S, D), next: (B, K, T, D). Returns a tensor on the memory of `cache`. Call it under tidy. */
export function cacheWrite(
  backend: TensorflowBackend,
  cache: tf.TensorInfo,
  next: tf.TensorInfo,
  at: number,
): tf.Tensor {
  const [B, K, S, D] = cache.shape as [number, number, number, number];
  const [, , T] = next.shape as [number, number, number];
  const rows = Int32Array.from({ length: B * K * T }, (_, i) => Math.floor(i / T) * S + at + (i % T));
  const flat = reshaped(backend, cache, [B * K * S, D]);
  backend.executeSingleOutput(
    'InplaceUpdate',
    [floatType(backend)],
    [flat, tf.tensor1d(rows, 'int32'), reshaped(backend, next, [B * K * T, D])],
  );
  return reshaped(backend, flat, cache.shape);
}

/**
 * O = softmax(cap(Q·K^T·scale) + mask)·V in the fewest calls, for one query per row. q: (B, H, 1, D), k, v: (B, K, S,
 * D), mask: (…, 1, S). Call it under tidy.
 */
export function attentionOfOneQuery(
  backend: TensorflowBackend,
  { q, k, v, mask }: Record<'q' | 'k' | 'v' | 'mask', tf.TensorInfo>,
  scale: number,
): tf.Tensor {
  const [B, H, , D] = q.shape as [number, number, number, number];
  const [, K] = k.shape as [number, number];
  const type = floatType(backend);
  const run = (op: string, ...inputs: tf.TensorInfo[]): tf.Tensor => backend.executeSingleOutput(op, [type], inputs);
  const product = (a: tf.TensorInfo, b: tf.TensorInfo, turned: boolean): tf.Tensor =>
    backend.executeSingleOutput(
      'BatchMatMulV2',
      [type, flag(backend, 'adj_x', false), flag(backend, 'adj_y', turned)],
      [a, b],
    );
  const queries = reshaped(backend, run('Mul', q, tf.scalar(scale)), [B, K, H / K, D]);
  const p = run('Softmax', run('AddV2', product(queries, k, true), mask)); // (B, K, G, S)
  return reshaped(backend, product(p, v, false), [B, H, 1, D]);
}
