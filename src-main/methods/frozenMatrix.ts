/** The weight of a linear layer as a matrix, in whatever form it is kept. */
import * as tf from '@tensorflow/tfjs-core';
import type { LinearInUse } from '../engine/model/attachment.ts';
import { frozenLinear } from '../engine/ops/frozenLinear.ts';
import { assertWhole } from './wholeWeight.ts';

/** (out, in), without the other parts of a fused layer. Call it under tidy. Throws WEIGHT_IN_PIECES. */
export function frozenMatrix({ module, weight }: LinearInUse): tf.Tensor2D {
  const { layout, slice, inFeatures } = module;
  assertWhole(weight, 'This method', 'choose LoRA');
  const W = weight.packed
    ? tf.transpose(frozenLinear(tf.eye(inFeatures), weight, undefined, layout))
    : layout === 'in_out'
      ? tf.transpose(weight.value as tf.Tensor2D)
      : tf.clone(weight.value as tf.Tensor2D);
  return slice ? tf.slice(W, [slice.start, 0], [slice.end - slice.start, inFeatures]) : W;
}
