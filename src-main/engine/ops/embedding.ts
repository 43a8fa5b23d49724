/** Embedding look-up with a gradient that works on every backend, in tables of any form. */
import * as tf from '@tensorflow/tfjs-core';
import { piecesOf, type Parameter } from '../model/parameters.ts';
import { unpackRowsOf } from '../packed/packMatrix.ts';
import { defineOp } from './define.ts';
import { placesWithin } from './placesWithin.ts';
import { addRowsOp, scatterAddRows, scatterAddRowsOp } from './scatterAddRows.ts';
import { packedAttributes, packedMatrix, type PackedAttributes } from './unpackRows.ts';

type Inputs = { table: tf.Tensor; ids: tf.Tensor1D };

const op = defineOp({
  name: 'GraftEmbedding',
  forward: ({ table, ids }: Inputs, _: { vocab: number }): [tf.Tensor2D] => [tf.gather(table as tf.Tensor2D, ids)],
  saveInputs: ['ids'],
  gradient: ([dy], [ids], { vocab }) => ({
    table: (sum) =>
      sum
        ? addRowsOp({ sum: sum as tf.Tensor2D, x: dy as tf.Tensor2D, ids }, { startRow: 0 })[0]
        : scatterAddRows(dy as tf.Tensor2D, ids, vocab),
  }),
});

/** table: (V, C), ids: (N) int32 in [0, V). Returns (N, C). */
export function embedding(table: tf.Tensor2D, ids: tf.Tensor1D): tf.Tensor2D {
  return op({ table, ids }, { vocab: table.shape[0] })[0];
}

/** table: rows startRow … startRow + R of a larger one, packed or not. Returns (N, C), zeros where an id has no row. */
export const gatherRowsOp = defineOp({
  name: 'GraftGatherRows',
  forward({ table, ids }: Inputs, { startRow, ...form }: PackedAttributes & { startRow: number }): [tf.Tensor2D] {
    const { place, inside } = placesWithin(ids, startRow, form.R);
    const rows: tf.Tensor2D =
      form.format === 0
        ? tf.gather(table as tf.Tensor2D, place)
        : tf.tensor2d(unpackRowsOf(packedMatrix(table, form), place.dataSync()), [ids.size, form.C]);
    return [tf.mul(rows, tf.expandDims(tf.cast(inside, 'float32'), 1))];
  },
  saveInputs: ['ids'],
  gradient: ([dy], [ids], { startRow, R }) => ({
    table: () => scatterAddRowsOp({ x: dy as tf.Tensor2D, ids }, { startRow, rows: R })[0],
  }),
});

/** Rows of a table (V, C) in any form; a float32 one may be trained. ids: (N) int32 in [0, V). Returns (N, C). */
export function lookUp(table: Parameter, ids: tf.Tensor1D): tf.Tensor2D {
  if (!table.pieces && !table.packed) return embedding(table.value as tf.Tensor2D, ids);
  let startRow = 0;
  const parts = piecesOf(table).map((piece) => {
    const form = packedAttributes(piece);
    const [part] = gatherRowsOp({ table: piece.value, ids }, { ...form, startRow });
    startRow += form.R;
    return part;
  });
  return parts.reduce((sum, part) => tf.add(sum, part));
}
