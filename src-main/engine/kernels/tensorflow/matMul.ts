/**
 * Products of two matrices on the processor. tfjs calls BatchMatMulV2 for all of them, which computes a small product
 * (fewer than 2^23 multiplications) on one thread; MatMul shares it among all. x·W^T with few rows is slow in both, as
 * W is read against its order, so (W·x^T)^T is computed instead.
 */
import * as tf from '@tensorflow/tfjs-core';
import { flag, floatType, indexType, type TensorflowBackend } from '../../backends/tfjsInternals.ts';

/** Rows up to which turning the result around costs less than it saves. */
const FEW_ROWS = 128;
/** Elements of W from which on that pays. */
const LARGE = 1 << 17;

type Matrix = tf.TensorInfo;

function product(
  backend: TensorflowBackend,
  a: Matrix,
  b: Matrix,
  transposeA: boolean,
  transposeB: boolean,
): tf.Tensor {
  return backend.executeSingleOutput(
    'MatMul',
    [floatType(backend), flag(backend, 'transpose_a', transposeA), flag(backend, 'transpose_b', transposeB)],
    [a, b],
  );
}

function turned(backend: TensorflowBackend, x: Matrix): tf.Tensor {
  return backend.executeSingleOutput(
    'Transpose',
    [floatType(backend), indexType(backend, 'Tperm')],
    [x, tf.tensor1d([1, 0], 'int32')],
  );
}

/** a·b of two float32 matrices, each transposed first where asked. Call it under tidy. */
export function matMul(
  backend: TensorflowBackend,
  a: Matrix,
  b: Matrix,
  transposeA: boolean,
  transposeB: boolean,
): tf.Tensor {
  const [rows] = a.shape as [number, number];
  const [R, C] = b.shape as [number, number];
  const detour = transposeB && !transposeA && rows > 1 && rows <= FEW_ROWS && R * C >= LARGE;
  return detour ? turned(backend, product(backend, b, a, false, true)) : product(backend, a, b, transposeA, transposeB);
}
