/** Adds rows of x into a (V, C) matrix of zeros at the given indices: the gradient of an embedding look-up. */
import * as tf from '@tensorflow/tfjs-core';

/**
 * x: (N, C), indices: (N) int32 in [0, V), V at least 2. Returns (V, C). Without a segment-sum kernel, a one-hot
 * product does the same.
 */
export function scatterAddRows(x: tf.Tensor2D, indices: tf.Tensor1D, V: number): tf.Tensor2D {
  if (tf.getKernel('UnsortedSegmentSum', tf.getBackend())) return tf.unsortedSegmentSum(x, indices, V) as tf.Tensor2D;
  return tf.matMul(tf.cast(tf.oneHot(indices, V), 'float32') as tf.Tensor2D, x, true);
}
