/**
 * y = xW + b with W and b frozen, W in any of its forms and in pieces by rows or whole: dx = dy·W^T is the only
 * gradient, so the activation x, which tfjs's matMul would keep for dW, is not kept. An engine without kernels for
 * packed weights unpacks some rows at a time into memory that it uses again and again.
 */
import * as tf from '@tensorflow/tfjs-core';
import type { LinearLayout } from '../model/architecture.ts';
import type { Parameter } from '../model/parameters.ts';
import { productOfFew, unpackRows } from '../packed/kernels.ts';
import { defineKernel, defineOp } from './define.ts';
import { packedAttributes, packedMatrix, type PackedAttributes } from './unpackRows.ts';

/** W is (R, C) in the format BASE_DTYPES[format]; the product is x·W^T where `transposed`, else x·W. */
export type FrozenAttributes = PackedAttributes & { transposed: boolean };

/** Values that are unpacked at once: 64 MiB. x·W needs a sum of as many products as there are chunks. */
const CHUNK = 1 << 24;

/** Rows of x up to which the memory for a whole matrix costs more than a slower product (as in decoding). */
const FEW = 4;

export const frozenLinearGradOp = defineKernel(
  'GraftFrozenLinearGrad',
  ({ dy, w }: { dy: tf.Tensor; w: tf.Tensor }, { transposed, ...form }: FrozenAttributes): [tf.Tensor2D] => [
    product(dy as tf.Tensor2D, w, { ...form, transposed: !transposed }),
  ],
);

export const frozenLinearOp = defineOp({
  name: 'GraftFrozenLinear',
  forward({ x, w, b }: { x: tf.Tensor2D; w: tf.Tensor; b?: tf.Tensor }, attributes: FrozenAttributes): [tf.Tensor2D] {
    const y = product(x, w, attributes);
    return [b ? tf.add(y, b) : y];
  },
  saveInputs: ['w'],
  gradient: ([dy], [w], frozen) => ({ x: () => frozenLinearGradOp({ dy, w }, frozen)[0], b: () => tf.sum(dy, 0) }),
});

function product(x: tf.Tensor2D, w: tf.Tensor, { transposed, ...form }: FrozenAttributes): tf.Tensor2D {
  if (form.format === 0) return tf.matMul(x, w as tf.Tensor2D, false, transposed);
  const count = Math.max(1, Math.floor(CHUNK / form.C));
  return byRows(
    x,
    chunks(form.R, count),
    transposed,
    (part, { startRow, rows }) => packedProductOp({ x: part, words: w }, { ...form, startRow, rows, transposed })[0],
  );
}

/**
 * x with some rows of W, as frozenLinearOp. The values are unpacked as the second factor wants them: libtensorflow
 * takes up to twice as long for x·W^T as for the same with W^T given. It multiplies from the kernels' own memory, which
 * is free again when the product is there.
 */
const packedProductOp = defineKernel(
  'GraftPackedProduct',
  (
    { x, words }: { x: tf.Tensor2D; words: tf.Tensor },
    { transposed, startRow, rows, ...form }: FrozenAttributes & Rows,
  ): [tf.Tensor2D] => {
    const matrix = packedMatrix(words, form);
    const [N] = x.shape;
    if (N <= FEW) {
      const y = productOfFew(x.dataSync() as Float32Array, matrix, startRow, rows, transposed);
      return [tf.tensor2d(y, [N, transposed ? rows : form.C])];
    }
    const values = unpackRows(matrix, startRow, rows, transposed);
    return [tf.matMul(x, tf.tensor2d(values, transposed ? [form.C, rows] : [rows, form.C]))];
  },
);

type Rows = { startRow: number; rows: number };

function chunks(R: number, count: number): Rows[] {
  return Array.from({ length: Math.ceil(R / count) }, (_, i) => ({
    startRow: i * count,
    rows: Math.min(count, R - i * count),
  }));
}

/**
 * The product of x with all rows of W from `productOf` the rows of each part: x·W^T puts the columns side by side,
 * while x·W is a sum over rows of W, each part of which meets its own columns of x.
 */
function byRows<Part extends Rows>(
  x: tf.Tensor2D,
  parts: readonly Part[],
  transposed: boolean,
  productOf: (x: tf.Tensor2D, part: Part) => tf.Tensor2D,
): tf.Tensor2D {
  const [N] = x.shape;
  const [only, second] = parts;
  if (only && !second) return productOf(x, only);
  if (transposed)
    return tf.concat(
      parts.map((part) => productOf(x, part)),
      1,
    );
  return parts.map((part) => productOf(tf.slice(x, [0, part.startRow], [N, part.rows]), part)).reduce(addUp);
}

function addUp(a: tf.Tensor2D, b: tf.Tensor2D): tf.Tensor2D {
  const sum: tf.Tensor2D = tf.add(a, b);
  tf.dispose([a, b]);
  return sum;
}

/** x: (N, in); w: (in, out) or (out, in) as `layout` says; b: (out). Returns (N, out). */
export function frozenLinear(
  x: tf.Tensor2D,
  w: Parameter,
  b: tf.Tensor | undefined,
  layout: LinearLayout,
): tf.Tensor2D {
  const transposed = layout === 'out_in';
  if (w.pieces) return inPieces(x, w.pieces, b, transposed);
  return frozenLinearOp(b ? { x, w: w.value, b } : { x, w: w.value }, { ...packedAttributes(w), transposed })[0];
}

/** All pieces as one op, so that nothing of the inputs but W is kept. */
function inPieces(
  x: tf.Tensor2D,
  pieces: readonly Parameter[],
  b: tf.Tensor | undefined,
  transposed: boolean,
): tf.Tensor2D {
  let startRow = 0;
  const parts = pieces.map((piece, index) => {
    const form = packedAttributes(piece);
    const part = { index, form, startRow, rows: form.R };
    startRow += form.R;
    return part;
  });
  const times = (factor: tf.Tensor2D, ws: tf.Tensor[], turned: boolean): tf.Tensor2D =>
    byRows(
      factor,
      parts,
      turned,
      (some, { index, form }) => frozenLinearOp({ x: some, w: ws[index]! }, { ...form, transposed: turned })[0],
    );
  const run = tf.customGrad((...given: unknown[]) => {
    const ws = pieces.map(({ value }) => value);
    (given.at(-1) as tf.GradSaveFunc)(ws);
    const y = times(x, ws, transposed);
    return {
      value: b ? tf.add(y, b) : y,
      gradFunc: (dy: tf.Tensor, saved: tf.Tensor[]) => {
        const dx = times(dy as tf.Tensor2D, saved, !transposed);
        return b ? [dx, tf.sum(dy, 0)] : dx;
      },
    };
  });
  const y: tf.Tensor = run(...(b ? [x, b] : [x]));
  return y as tf.Tensor2D;
}
