/**
 * The low-rank part of a linear layer (Hu et al. 2021, eq. 3), one op on the tape: y + s·(x·A^T)·B^T. Kept for the
 * gradient are x, A, B and low = s·x·A^T (N, r). With dLow = s·dy·B: dA = dLow^T·x, dB = dy^T·low, dx = dLow·A.
 * The three products with one thin side are kernels of their own.
 */
import * as tf from '@tensorflow/tfjs-core';
import { defineKernel, defineOp } from './define.ts';

/** scale·x·p, x: (N, K). p: (K, r), or (r, K) where `transposed`. Returns (N, r). */
const project = defineKernel('GraftLowRank', ({ x, p }, { scale, transposed }) => [
  tf.mul(tf.matMul(x as tf.Tensor2D, p as tf.Tensor2D, false, transposed as boolean), tf.scalar(scale as number)),
]);

/** y + low·p, low: (N, r); without y the product alone. p: (r, M), or (M, r) where `transposed`. Returns (N, M). */
const expand = defineKernel('GraftAddLowRank', ({ y, low, p }, { transposed }) => {
  const product = tf.matMul(low as tf.Tensor2D, p as tf.Tensor2D, false, transposed as boolean);
  return [y ? tf.add(y, product) : product];
});

/** low^T·x, low: (N, r), x: (N, M), summed over the tokens. Returns (r, M), or (M, r) where `transposed`. */
const collect = defineKernel('GraftLowRankGrad', ({ low, x }, { transposed }) => {
  const product = tf.matMul(low as tf.Tensor2D, x as tf.Tensor2D, true);
  return [transposed ? tf.transpose(product) : product]; // faster in libtensorflow than x^T·low
});

const op = defineOp({
  name: 'GraftLoraLinear',
  forward({ x, y, A, B }, { scale }) {
    const low = project({ x: x!, p: A! }, { scale: scale!, transposed: true })[0]!; // (N, r)
    return [expand({ y: y!, low, p: B! }, { transposed: true })[0]!, low];
  },
  saveInputs: ['x', 'A', 'B'],
  saveOutputs: [1],
  gradient([dy], [x, A, B, low], { scale }) {
    const dLow = project({ x: dy!, p: B! }, { scale: scale!, transposed: false })[0]!; // (N, r)
    return {
      x: (sum?: tf.Tensor) => expand({ ...(sum ? { y: sum } : {}), low: dLow, p: A! }, { transposed: false })[0]!,
      y: () => dy!,
      A: () => collect({ low: dLow, x: x! }, { transposed: false })[0]!,
      B: () => collect({ low: low!, x: dy! }, { transposed: true })[0]!,
    };
  },
});

/** y + scale·(x·A^T)·B^T. x: (N, in), y: (N, out), A: (r, in), B: (out, r). Returns (N, out). */
export function loraLinear(x: tf.Tensor2D, y: tf.Tensor2D, A: tf.Tensor2D, B: tf.Tensor2D, scale: number): tf.Tensor2D {
  return op({ x, y, A, B }, { scale })[0] as tf.Tensor2D;
}
