/**
 * Between rows of tokens (N, heads·D) and attention's grid (B, heads, T, D). Where padding was left out (see
 * model/packing.ts) the rows are moved to their places and back. The two are each other's gradient and keep nothing else.
 */
import * as tf from '@tensorflow/tfjs-core';
import type { Packing } from '../model/packing.ts';
import { defineOp } from './define.ts';

/** (B·T, heads·D) -> (B, heads, T, D) */
function split(x: tf.Tensor, B: number, heads: number): tf.Tensor {
  const [N, width] = x.shape as [number, number];
  return tf.transpose(tf.reshape(x, [B, N / B, heads, width / heads]), [0, 2, 1, 3]);
}

/** (B, heads, T, D) -> (B·T, heads·D) */
function join(x: tf.Tensor): tf.Tensor {
  const [B, heads, T, D] = x.shape as [number, number, number, number];
  return tf.reshape(tf.transpose(x, [0, 2, 1, 3]), [B * T, heads * D]);
}

const rowsOf = (x: tf.Tensor, index: tf.Tensor | undefined): tf.Tensor => (index ? tf.gather(x, index as tf.Tensor1D) : x);

const splitOp = defineOp({
  name: 'GraftSplitHeads',
  forward: ({ x, grid }, { B, heads }) => [split(rowsOf(x!, grid), B as number, heads as number)],
  saveInputs: ['tokens'],
  gradient: ([dy], [tokens]) => ({ x: () => rowsOf(join(dy!), tokens) }),
});

const joinOp = defineOp({
  name: 'GraftJoinHeads',
  forward: ({ x, tokens }) => [rowsOf(join(x!), tokens)],
  saveInputs: ['grid', 'mask'],
  // What the padding's queries saw must not count.
  gradient: ([dy], [grid, mask], { B, heads }) => ({ x: () => split(tf.mul(rowsOf(dy!, grid), mask!), B as number, heads as number) }),
});

const splitGrid = defineOp({
  name: 'GraftSplitGridHeads',
  forward: ({ x }, { B, heads }) => [split(x!, B as number, heads as number)],
  saveInputs: [],
  gradient: ([dy]) => ({ x: () => join(dy!) }),
});

const joinGrid = defineOp({
  name: 'GraftJoinGridHeads',
  forward: ({ x }) => [join(x!)],
  saveInputs: [],
  gradient: ([dy], _saved, { B, heads }) => ({ x: () => split(dy!, B as number, heads as number) }),
});

/** (N, heads·D) -> (B, heads, T, D); without packing N = B·T. */
export function splitHeads(x: tf.Tensor2D, B: number, heads: number, packing?: Packing): tf.Tensor4D {
  const op = packing ? splitOp({ x, ...packing }, { B, heads }) : splitGrid({ x }, { B, heads });
  return op[0] as tf.Tensor4D;
}

/** (B, heads, T, D) -> (N, heads·D); without packing N = B·T. */
export function joinHeads(x: tf.Tensor4D, packing?: Packing): tf.Tensor2D {
  const [B, heads] = x.shape;
  const op = packing ? joinOp({ x, ...packing }, { B, heads }) : joinGrid({ x }, { B, heads });
  return op[0] as tf.Tensor2D;
}
