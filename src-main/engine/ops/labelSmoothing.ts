/**
 * Label smoothing (Szegedy et al. 2016) as torch.nn.functional.cross_entropy(label_smoothing=e) computes it: the loss
 * is (1-e)·nll + e·mean_v(-log p_v) per row. With -log p_v = logsumexp(z) - z_v and z = h·W^T this is the plain
 * cross-entropy plus e·(h·w_y - h·mean_v(w_v)), so the streamed cross-entropy stays as it is and only this small part
 * is added.
 */
import * as tf from '@tensorflow/tfjs-core';
import { embedding } from './embedding.ts';

/**
 * What smoothing adds to the summed cross-entropy. h: (M, C), w: (V, C), labels: (M) int32 in [0, V), smoothing in [0,
 * 1). Returns a scalar.
 */
export function labelSmoothingTerm(h: tf.Tensor2D, w: tf.Tensor2D, labels: tf.Tensor1D, smoothing: number): tf.Scalar {
  const away = tf.sub(embedding(w, labels), tf.mean(w, 0, true)); // (M, C)
  return tf.mul(tf.sum(tf.mul(h, away)), tf.scalar(smoothing)) as tf.Scalar;
}
