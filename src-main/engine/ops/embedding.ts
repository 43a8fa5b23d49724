/** Embedding look-up with a gradient that works on every backend. */
import * as tf from '@tensorflow/tfjs-core';
import { defineOp } from './define.ts';
import { scatterAddRows } from './scatterAddRows.ts';

type Inputs = { table: tf.Tensor2D; ids: tf.Tensor1D };

const op = defineOp({
  name: 'GraftEmbedding',
  forward: ({ table, ids }: Inputs, _: { vocab: number }): [tf.Tensor2D] => [tf.gather(table, ids)],
  saveInputs: ['ids'],
  gradient: ([dy], [ids], { vocab }) => ({ table: () => scatterAddRows(dy as tf.Tensor2D, ids, vocab) }),
});

/** table: (V, C), ids: (N) int32 in [0, V). Returns (N, C). */
export function embedding(table: tf.Tensor2D, ids: tf.Tensor1D): tf.Tensor2D {
  return op({ table, ids }, { vocab: table.shape[0] })[0];
}
