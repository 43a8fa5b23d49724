/**
 * y = xW + b with W and b frozen: dx = dy·W^T is the only gradient, so the activation x, which tfjs's matMul would keep
 * for dW, is not kept.
 */
import * as tf from '@tensorflow/tfjs-core';
import type { LinearLayout } from '../model/architecture.ts';
import { defineOp } from './define.ts';

const op = defineOp({
  name: 'GraftFrozenLinear',
  forward({ x, w, b }, { transposed }) {
    const product = tf.matMul(x as tf.Tensor2D, w as tf.Tensor2D, false, transposed as boolean);
    return [b ? tf.add(product, b) : product];
  },
  saveInputs: ['w'],
  gradient: ([dy], [w], { transposed }) => ({
    x: () => tf.matMul(dy as tf.Tensor2D, w as tf.Tensor2D, false, !(transposed as boolean)),
  }),
});

/** x: (N, in); w: (in, out) or (out, in) as `layout` says; b: (out). Returns (N, out). */
export function frozenLinear(x: tf.Tensor2D, w: tf.Tensor2D, b: tf.Tensor | undefined, layout: LinearLayout): tf.Tensor2D {
  return op(b ? { x, w, b } : { x, w }, { transposed: layout === 'out_in' })[0] as tf.Tensor2D;
}
