/**
 * NEFTune (Jain et al. 2023, "Noisy Embeddings Improve Instruction Finetuning"): in training each row's embeddings get
 * noise from U(-1, 1)·alpha/sqrt(L·C), with L the row's tokens and C the width.
 */
import * as tf from '@tensorflow/tfjs-core';
import type { InputNoise } from '../model/forwardOptions.ts';
import type { Random } from '../../../src-shared/random.ts';

/** Each call draws from `random`. */
export function neftuneNoise(alpha: number, random: Random): InputNoise {
  return (x, { lengths }) => {
    const [N, C] = x.shape;
    const noise = new Float32Array(N * C);
    let at = 0;
    for (const length of lengths) {
      const size = alpha / Math.sqrt(length * C);
      for (const end = at + length * C; at < end; at++) noise[at] = (2 * random.uniform() - 1) * size;
    }
    return tf.add(x, tf.tensor2d(noise, [N, C]));
  };
}
