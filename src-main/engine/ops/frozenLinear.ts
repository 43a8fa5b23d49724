/**
 * y = xW + b with W and b frozen, W a tensor or packed in a smaller form: dx = dy·W^T is the only gradient, so the
 * activation x, which tfjs's matMul would keep for dW, is not kept. Only `webgpu` has kernels for packed weights.
 */
import * as tf from '@tensorflow/tfjs-core';
import { GraftError } from '../../../src-shared/errors.ts';
import { BASE_DTYPES } from '../../../src-shared/baseDtypes.ts';
import type { LinearLayout } from '../model/architecture.ts';
import { parameterShape, type Parameter } from '../model/parameters.ts';
import { defineKernel, defineOp } from './define.ts';

/** W is (R, C) in the format BASE_DTYPES[format]; the product is x·W^T where `transposed`, else x·W. */
export type FrozenAttributes = { format: number; R: number; C: number; transposed: boolean };

export const frozenLinearGradOp = defineKernel(
  'GraftFrozenLinearGrad',
  ({ dy, w }: { dy: tf.Tensor; w: tf.Tensor }, { format, transposed }: FrozenAttributes) => {
    refusePacked(format);
    return [tf.matMul(dy, w, false, !transposed)];
  },
);

export const frozenLinearOp = defineOp({
  name: 'GraftFrozenLinear',
  forward(
    { x, w, b }: { x: tf.Tensor2D; w: tf.Tensor; b?: tf.Tensor },
    { format, transposed }: FrozenAttributes,
  ): [tf.Tensor2D] {
    refusePacked(format);
    const product: tf.Tensor2D = tf.matMul(x, w, false, transposed);
    return [b ? tf.add(product, b) : product];
  },
  saveInputs: ['w'],
  gradient: ([dy], [w], frozen) => ({ x: () => frozenLinearGradOp({ dy, w }, frozen)[0], b: () => tf.sum(dy, 0) }),
});

function refusePacked(format: number): void {
  if (BASE_DTYPES[format] !== 'f32')
    throw new GraftError(
      'PACKED_NEEDS_WEBGPU',
      `Weights packed as ${BASE_DTYPES[format]} run on the webgpu engine only; choose it, or the base dtype f32.`,
    );
}

/** x: (N, in); w: (in, out) or (out, in) as `layout` says, or turned; b: (out). Returns (N, out). */
export function frozenLinear(
  x: tf.Tensor2D,
  w: Parameter,
  b: tf.Tensor | undefined,
  layout: LinearLayout,
): tf.Tensor2D {
  const [R, C] = parameterShape(w) as [number, number];
  const attributes = {
    format: BASE_DTYPES.indexOf(w.packed?.format ?? 'f32'),
    R,
    C,
    transposed: (layout === 'out_in') !== (w.turned ?? false),
  };
  return frozenLinearOp(b ? { x, w: w.value, b } : { x, w: w.value }, attributes)[0];
}
