/**
 * Decoding token by token: the cache, and attention to it. libtensorflow's InplaceUpdate writes rows into the memory of
 * its input, whoever else holds it, so the T new columns cost what they are, not a copy of all that came before.
 */
import * as tf from '@tensorflow/tfjs-core';
import type { TensorflowBackend } from '../../backends/tfjsInternals.ts';
import { flag, floatType, indexType } from './attributes.ts';
import { inPlace, reshaped } from './inPlace.ts';

/**
 * cache: (B, K, S, D), next: (B, K, T, D), rows: (B·K·T), as of `rowsOfColumns`. Returns a tensor that shares the
 * memory of `cache`. No size depends on S, so that one recorded graph serves texts of any length. Call it under tidy.
 */
export function cacheWrite(
  backend: TensorflowBackend,
  { cache, next, rows }: Record<'cache' | 'next' | 'rows', tf.TensorInfo>,
): tf.Tensor {
  const [B, K, , D] = cache.shape as [number, number, number, number];
  const [columns, newest] = [reshaped(backend, cache, [-1, D]), reshaped(backend, next, [-1, D])];
  return reshaped(backend, inPlace(backend, 'InplaceUpdate', columns, rows, newest), [B, K, -1, D]);
}

/** Rows of a table by their index; libtensorflow itself refuses one that is not there. Call it under tidy. */
export function gatherRows(backend: TensorflowBackend, table: tf.TensorInfo, indices: tf.TensorInfo): tf.Tensor {
  return backend.executeSingleOutput(
    'GatherV2',
    [
      { name: 'Tparams', type: backend.binding.TF_ATTR_TYPE, value: backend.binding.TF_FLOAT },
      indexType(backend, 'Tindices'),
      indexType(backend, 'Taxis'),
    ],
    [table, indices, tf.scalar(0, 'int32')],
  );
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
