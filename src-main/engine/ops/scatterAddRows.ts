/** Adds rows of x into a matrix of zeros at the given indices: the gradient of an embedding look-up. */
import * as tf from '@tensorflow/tfjs-core';
import { defineKernel } from './define.ts';
import { placesWithin } from './placesWithin.ts';

/** x: (N, C), ids: (N) int32. Returns the sums of the rows startRow … startRow + rows; other ids are left out. */
export const scatterAddRowsOp = defineKernel(
  'GraftScatterAddRows',
  (
    { x, ids }: { x: tf.Tensor2D; ids: tf.Tensor1D },
    { startRow, rows }: { startRow: number; rows: number },
  ): [tf.Tensor2D] => {
    const { place, inside } = placesWithin(ids, startRow, rows);
    const places: tf.Tensor1D = tf.sub(tf.add(place, inside), tf.scalar(1, 'int32')); // -1: nowhere
    // Without a segment-sum kernel, a one-hot product does the same.
    if (tf.getKernel('UnsortedSegmentSum', tf.getBackend())) return [tf.unsortedSegmentSum(x, places, rows)];
    const oneHot = tf.equal(tf.expandDims(places, 1), tf.range(0, rows, 1, 'int32')); // (N, rows)
    return [tf.matMul(tf.cast(oneHot, 'float32') as tf.Tensor2D, x, true)];
  },
);

/**
 * sum: (R, C), x: (N, C), ids: (N) int32. Returns `sum` with the rows of x added to its rows ids - startRow, where it
 * has them; `sum` may share its memory with that and must not be read again.
 */
export const addRowsOp = defineKernel(
  'GraftAddRows',
  (
    { sum, x, ids }: { sum: tf.Tensor2D; x: tf.Tensor2D; ids: tf.Tensor1D },
    { startRow }: { startRow: number },
  ): [tf.Tensor2D] => [tf.add(sum, scatterAddRowsOp({ x, ids }, { startRow, rows: sum.shape[0] })[0])],
);

/** x: (N, C), indices: (N) int32 in [0, V). Returns (V, C). */
export function scatterAddRows(x: tf.Tensor2D, indices: tf.Tensor1D, V: number): tf.Tensor2D {
  return scatterAddRowsOp({ x, ids: indices }, { startRow: 0, rows: V })[0];
}
