/**
 * Products of two matrices on the processor. tfjs calls BatchMatMulV2 for all of them, which computes a small product
 * (fewer than 2^23 multiplications) on one thread; MatMul shares it among all. x·W^T is slow in both, as W is read
 * against its order, so (W·x^T)^T is computed instead where turning the result around costs less than that saves.
 */
import * as tf from '@tensorflow/tfjs-core';
import type { TensorflowBackend } from '../../backends/tfjsInternals.ts';
import { flag, floatType, indexType } from './attributes.ts';

/** Rows that are always few beside a large W. */
const FEW_ROWS = 128;
/** Elements of W from which on the detour pays for few rows, and for more of them. */
const LARGE = 1 << 17;
const VERY_LARGE = 1 << 20;

/**
 * Whether (W·x^T)^T is quicker than x·W^T, W: (R, C). By processor time on two cores with AVX-512, in turns: 512 rows
 * by W (3072, 768) 34 against 49 ms, (2048, 2048) 57 against 102, (5632, 2048) 158 against 329, (2048, 5632) 142
 * against 311; but (1536, 576) 14 against 12, and 1,024 rows by (768, 3072) 112 against 95.
 */
function paysToTurn(rows: number, R: number, C: number): boolean {
  if (rows <= FEW_ROWS) return rows > 1 && R * C >= LARGE;
  return R * C >= VERY_LARGE && R >= 2 * rows;
}

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
  const detour = transposeB && !transposeA && paysToTurn(rows, R, C);
  return detour ? turned(backend, product(backend, b, a, false, true)) : product(backend, a, b, transposeA, transposeB);
}
