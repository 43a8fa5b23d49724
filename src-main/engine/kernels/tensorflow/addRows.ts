/** Adding a few rows to a large matrix in its own memory; the equation stands in ops/scatterAddRows.ts. */
import * as tf from '@tensorflow/tfjs-core';
import type { TensorflowBackend } from '../../backends/tfjsInternals.ts';
import { placesWithin } from '../../ops/placesWithin.ts';
import { inPlace } from './inPlace.ts';

/** sum: (R, C), x: (N, C), ids: (N) int32. Returns a tensor that shares the memory of `sum`. Call it under tidy. */
export function addRows(
  backend: TensorflowBackend,
  { sum, x, ids }: Record<'sum' | 'x' | 'ids', tf.TensorInfo>,
  startRow: number,
): tf.Tensor {
  const { place, inside } = placesWithin(ids as tf.Tensor1D, startRow, sum.shape[0] ?? 0);
  const rows = tf.mul(x as tf.Tensor2D, tf.cast(tf.expandDims(inside, 1), 'float32')); // 0 is added for the others
  return inPlace(backend, 'InplaceAdd', sum, place, rows);
}
