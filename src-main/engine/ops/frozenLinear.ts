/**
 * y = xW + b with W and b frozen, W a tensor or packed in a smaller form: dx = dy·W^T is the only gradient, so the
 * activation x, which tfjs's matMul would keep for dW, is not kept. Only `webgpu` has kernels for packed weights.
 */
import * as tf from '@tensorflow/tfjs-core';
import { GraftError } from '../../../src-shared/errors.ts';
import { BASE_DTYPES } from '../../../src-shared/baseDtypes.ts';
import type { LinearLayout } from '../model/architecture.ts';
import { parameterShape, type Parameter } from '../model/parameters.ts';
import { defineKernel, defineOp, type Attributes } from './define.ts';

const grad = defineKernel('GraftFrozenLinearGrad', ({ dy, w }, attributes) => {
  refusePacked(attributes);
  return [tf.matMul(dy as tf.Tensor2D, w as tf.Tensor2D, false, !(attributes['transposed'] as boolean))];
});

const op = defineOp({
  name: 'GraftFrozenLinear',
  forward({ x, w, b }, attributes) {
    refusePacked(attributes);
    const product = tf.matMul(x as tf.Tensor2D, w as tf.Tensor2D, false, attributes['transposed'] as boolean);
    return [b ? tf.add(product, b) : product];
  },
  saveInputs: ['w'],
  gradient: ([dy], [w], attributes) => ({ x: () => grad({ dy: dy!, w: w! }, attributes)[0]!, b: () => tf.sum(dy!, 0) }),
});

function refusePacked({ format }: Attributes): void {
  if (BASE_DTYPES[format as number] !== 'f32')
    throw new GraftError(
      'PACKED_NEEDS_WEBGPU',
      `Weights packed as ${BASE_DTYPES[format as number]} run on the webgpu engine only; choose it, or the ` +
        'base dtype f32.',
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
  return op(b ? { x, w: w.value, b } : { x, w: w.value }, attributes)[0] as tf.Tensor2D;
}
