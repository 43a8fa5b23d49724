/**
 * Starts whose B is not zero: the frozen base becomes the residual W - s·BA, so that the model starts out equal to the
 * base all the same. What was learnt is then s·(BA - B0·A0), a plain LoRA of rank 2r on the original W.
 */
import * as tf from '@tensorflow/tfjs-core';
import { usageError } from '../../../src-shared/errors.ts';
import type { LinearInUse } from '../../engine/model/attachment.ts';
import type { Decoder } from '../../engine/model/decoder.ts';
import { dtypeOf, replaceValue } from '../../engine/model/parameters.ts';
import { assertWhole } from '../wholeWeight.ts';
import { makePair } from './lora.ts';
import type { LoraPair } from './pair.ts';

export interface Start {
  /** (r, in) */
  A: Float32Array;
  /** (out, r) */
  B: Float32Array;
}

/** Throws PISSA_NEEDS_F32 where a weight is packed, which no residual can replace, and WEIGHT_IN_PIECES. */
export function assertResidualFits(pairs: LoraPair[], model: Decoder, name: string): void {
  const weights = pairs.map(({ module }) => model.inUse(module.layer, module.target).weight);
  const isPacked = weights.some((weight) => dtypeOf(weight) !== 'f32');
  if (!isPacked) return weights.forEach((weight) => assertWhole(weight, name, 'choose another start'));
  throw usageError(
    'PISSA_NEEDS_F32',
    `${name} changes the base before training, so its weights must be float32; choose the base dtype f32 or another ` +
      'start.',
  );
}

/** Replaces A and B of the pair, and the weight that it adapts, which is not packed. */
export function startFrom(pair: LoraPair, { A, B }: Start, at: LinearInUse): void {
  const { inFeatures, outFeatures } = pair.module;
  const r = pair.A.value.shape[0]!;
  replaceValue(pair.A, tf.tensor2d(A, [r, inFeatures]));
  replaceValue(pair.B, tf.tensor2d(B, [outFeatures, r]));
  replaceValue(
    at.weight,
    tf.tidy(() => residual(pair, at)),
  );
}

/** What has been learnt since these starts, on the original base: [A; A0] and [B, -B0]. */
export async function converted(pairs: LoraPair[], starts: Start[]): Promise<LoraPair[]> {
  return Promise.all(
    pairs.map(async ({ module, A, B, scale }, i) => {
      const [a, b] = (await Promise.all([A.value.data(), B.value.data()])) as [Float32Array, Float32Array];
      const r = A.value.shape[0]!;
      const { A: a0, B: b0 } = starts[i]!;
      const both = new Float32Array(2 * b.length);
      for (let row = 0; row < module.outFeatures; row++) {
        both.set(b.subarray(row * r, (row + 1) * r), 2 * row * r);
        both.set(
          b0.subarray(row * r, (row + 1) * r).map((x) => -x),
          (2 * row + 1) * r,
        );
      }
      return makePair(module, Float32Array.from([...a, ...a0]), both, 2 * r, scale);
    }),
  );
}

/** W - s·BA in the weight's own layout; the other parts of a fused layer stay. */
function residual({ module, A, B, scale }: LoraPair, { weight }: LinearInUse): tf.Tensor {
  const { slice, layout } = module;
  const own = tf.mul(tf.matMul(B.value as tf.Tensor2D, A.value as tf.Tensor2D), scale); // (out, in)
  const whole = layout === 'in_out' ? weight.value.shape[1]! : weight.value.shape[0]!;
  const rows = slice
    ? tf.pad(own, [
        [slice.start, whole - slice.end],
        [0, 0],
      ])
    : own;
  return tf.sub(weight.value, layout === 'in_out' ? tf.transpose(rows) : rows);
}
