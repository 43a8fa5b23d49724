/** y = xW with W trained, whole or in pieces by rows, each with a gradient of its own. */
import * as tf from '@tensorflow/tfjs-core';
import { piecesOf, type Parameter } from '../model/parameters.ts';
import type { LinearLayout } from '../model/architecture.ts';

/** x: (N, in); w: (in, out) or (out, in) as `layout` says. Returns (N, out). */
export function trainedLinear(x: tf.Tensor2D, w: Parameter, layout: LinearLayout): tf.Tensor2D {
  const pieces = piecesOf(w).map((piece) => piece.value as tf.Tensor2D);
  if (layout === 'out_in') {
    const columns = pieces.map((piece): tf.Tensor2D => tf.matMul(x, piece, false, true));
    return columns.length === 1 ? columns[0]! : tf.concat(columns, 1);
  }
  if (pieces.length === 1) return tf.matMul(x, pieces[0]!);
  const parts = tf.split(
    x,
    pieces.map(({ shape: [rows] }) => rows),
    1,
  );
  return parts.map((part, i): tf.Tensor2D => tf.matMul(part, pieces[i]!)).reduce((sum, part) => tf.add(sum, part));
}
