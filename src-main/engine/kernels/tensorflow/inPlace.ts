/**
 * libtensorflow's ops that write into the memory of their input, whoever else holds it. They take the rows of a matrix
 * one by one, in their order, so a row that is named twice is added to twice.
 */
import * as tf from '@tensorflow/tfjs-core';
import type { TensorflowBackend } from '../../backends/tfjsInternals.ts';
import { floatType, indexType } from './attributes.ts';

/** The same memory in another shape. Call it under tidy. */
export function reshaped(backend: TensorflowBackend, x: tf.TensorInfo, shape: number[]): tf.Tensor {
  return backend.executeSingleOutput(
    'Reshape',
    [floatType(backend), indexType(backend, 'Tshape')],
    [x, tf.tensor1d(shape, 'int32')],
  );
}

/** matrix: (R, C), rows: (N) int32, values: (N, C). Returns a tensor that shares the memory of `matrix`. */
export function inPlace(
  backend: TensorflowBackend,
  op: 'InplaceUpdate' | 'InplaceAdd',
  matrix: tf.TensorInfo,
  rows: tf.TensorInfo,
  values: tf.TensorInfo,
): tf.Tensor {
  return backend.executeSingleOutput(op, [floatType(backend)], [matrix, rows, values]);
}
