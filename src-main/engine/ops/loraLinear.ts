/**
 * The low-rank part of a linear layer (Hu et al. 2021, eq. 3), one op on the tape: y + s·(x·A^T)·B^T. Kept for the
 * gradient are x, A, B and low = s·x·A^T (N, r). With dLow = s·dy·B: dA = dLow^T·x, dB = dy^T·low, dx = dLow·A.
 * The three products with one thin side are kernels of their own.
 */
import * as tf from '@tensorflow/tfjs-core';
import { defineKernel, defineOp } from './define.ts';

/** scale·x·p, x: (N, K). p: (K, r), or (r, K) where `transposed`. Returns (N, r). */
export const lowRankOp = defineKernel(
  'GraftLowRank',
  ({ x, p }: { x: tf.Tensor; p: tf.Tensor }, { scale, transposed }: { scale: number; transposed: boolean }) => [
    tf.mul(tf.matMul(x, p, false, transposed), tf.scalar(scale)),
  ],
);

/** y + low·p, low: (N, r); without y the product alone. p: (r, M), or (M, r) where `transposed`. Returns (N, M). */
export const addLowRankOp = defineKernel(
  'GraftAddLowRank',
  ({ y, low, p }: { y?: tf.Tensor; low: tf.Tensor; p: tf.Tensor }, { transposed }: { transposed: boolean }) => {
    const product = tf.matMul(low, p, false, transposed);
    return [y ? tf.add(y, product) : product];
  },
);

/** low^T·x, low: (N, r), x: (N, M), summed over the tokens. Returns (r, M), or (M, r) where `transposed`. */
export const lowRankGradOp = defineKernel(
  'GraftLowRankGrad',
  ({ low, x }: { low: tf.Tensor; x: tf.Tensor }, { transposed }: { transposed: boolean }) => {
    const product = tf.matMul(low, x, true);
    return [transposed ? tf.transpose(product) : product]; // faster in libtensorflow than x^T·low
  },
);

type Inputs = { x: tf.Tensor2D; y: tf.Tensor2D; A: tf.Tensor2D; B: tf.Tensor2D };

const op = defineOp({
  name: 'GraftLoraLinear',
  forward({ x, y, A, B }: Inputs, { scale }: { scale: number }): [y: tf.Tensor, low: tf.Tensor] {
    const [low] = lowRankOp({ x, p: A }, { scale, transposed: true }); // (N, r)
    return [addLowRankOp({ y, low, p: B }, { transposed: true })[0], low];
  },
  saveInputs: ['x', 'A', 'B'],
  saveOutputs: [1],
  gradient([dy], [x, A, B, low], { scale }) {
    const [dLow] = lowRankOp({ x: dy, p: B }, { scale, transposed: false }); // (N, r)
    return {
      x: (sum?: tf.Tensor) => addLowRankOp({ ...(sum ? { y: sum } : {}), low: dLow, p: A }, { transposed: false })[0],
      y: () => dy,
      A: () => lowRankGradOp({ low: dLow, x }, { transposed: false })[0],
      B: () => lowRankGradOp({ low, x: dy }, { transposed: true })[0],
    };
  },
});

/** y + scale·(x·A^T)·B^T. x: (N, in), y: (N, out), A: (r, in), B: (out, r). Returns (N, out). */
export function loraLinear(x: tf.Tensor2D, y: tf.Tensor2D, A: tf.Tensor2D, B: tf.Tensor2D, scale: number): tf.Tensor2D {
  return op({ x, y, A, B }, { scale })[0] as tf.Tensor2D;
}
