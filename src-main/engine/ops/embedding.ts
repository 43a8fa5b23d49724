/** Embedding look-up with a gradient that works on every backend. */
import * as tf from '@tensorflow/tfjs-core';
import { defineOp } from './define.ts';
import { scatterAddRows } from './scatterAddRows.ts';

const op = defineOp({
  name: 'GraftEmbedding',
  forward: ({ table, ids }) => [tf.gather(table!, ids as tf.Tensor1D)],
  saveInputs: ['ids'],
  gradient: ([dy], [ids], { vocab }) => ({
    table: () => scatterAddRows(dy as tf.Tensor2D, ids as tf.Tensor1D, vocab as number),
  }),
});

/** table: (V, C), ids: (N) int32 in [0, V). Returns (N, C). */
export function embedding(table: tf.Tensor2D, ids: tf.Tensor1D): tf.Tensor2D {
  return op({ table, ids }, { vocab: table.shape[0] })[0] as tf.Tensor2D;
}
