/**
 * Label smoothing (Szegedy et al. 2016) as torch.nn.functional.cross_entropy(label_smoothing=e) computes it: the loss
 * is (1-e)·nll + e·mean_v(-log p_v) per row. With -log p_v = logsumexp(z) - z_v and z = h·W^T this is the plain
 * cross-entropy plus e·(h·w_y - h·mean_v(w_v)), so the streamed cross-entropy stays as it is and only this small part
 * is added.
 */
import * as tf from '@tensorflow/tfjs-core';
import { dtypeOf, parameterShape, piecesOf, type Parameter } from '../model/parameters.ts';
import { lookUp } from './embedding.ts';
import { frozenLinear } from './frozenLinear.ts';

/**
 * What smoothing adds to the summed cross-entropy. h: (M, C), w: (V, C) in any form, labels: (M) int32 in [0, V),
 * smoothing in [0, 1). Returns a scalar.
 */
export function labelSmoothingTerm(h: tf.Tensor2D, w: Parameter, labels: tf.Tensor1D, smoothing: number): tf.Scalar {
  const away = tf.sub(lookUp(w, labels), meanRow(w)); // (M, C)
  return tf.mul(tf.sum(tf.mul(h, away)), tf.scalar(smoothing)) as tf.Scalar;
}

/** mean_v(w_v), (1, C). */
function meanRow(w: Parameter): tf.Tensor2D {
  const [V] = parameterShape(w) as [number, number];
  const isTrained = dtypeOf(w) === 'f32';
  if (!isTrained) return tf.div(frozenLinear(tf.ones([1, V]), w, undefined, 'in_out'), V);
  const sums = piecesOf(w).map(({ value }) => tf.sum(value, 0, true));
  return tf.div(
    sums.reduce((sum, one) => tf.add(sum, one)),
    V,
  );
}
