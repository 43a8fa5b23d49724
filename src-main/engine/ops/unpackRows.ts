/** Rows of a packed matrix as float32, for engines that multiply nothing else. */
import * as tf from '@tensorflow/tfjs-core';
import { BASE_DTYPES } from '../../../src-shared/baseDtypes.ts';
import { parameterShape, type Parameter } from '../model/parameters.ts';
import type { PackedFormat } from '../packed/formats.ts';
import { unpackRows } from '../packed/kernels.ts';
import type { PackedMatrix } from '../packed/packMatrix.ts';
import { defineKernel } from './define.ts';

/** The matrix is (R, C) in the format BASE_DTYPES[format]. */
export type PackedAttributes = { format: number; R: number; C: number };

/** words: of a packed matrix. Returns its rows startRow … startRow + rows, (rows, C). */
const unpackRowsOp = defineKernel(
  'GraftUnpackRows',
  (
    { words }: { words: tf.Tensor },
    { startRow, rows, ...packed }: PackedAttributes & { startRow: number; rows: number },
  ): [tf.Tensor2D] => [tf.tensor2d(unpackRows(packedMatrix(words, packed), startRow, rows).slice(), [rows, packed.C])],
);

/** The matrix in the processor's memory, where tensors of its engines lie. */
export function packedMatrix(words: tf.Tensor, { format, R, C }: PackedAttributes): PackedMatrix {
  return { format: BASE_DTYPES[format] as PackedFormat, R, C, words: words.dataSync() as Int32Array };
}

/** What ops are told of a matrix that is in one piece. */
export function packedAttributes(w: Parameter): PackedAttributes {
  const [R, C] = parameterShape(w) as [number, number];
  return { format: BASE_DTYPES.indexOf(w.packed?.format ?? 'f32'), R, C };
}

/** Rows of a matrix in one piece, packed or not, (rows, C) in float32. */
export function floatRows(w: Parameter, startRow: number, rows: number): tf.Tensor2D {
  const packed = packedAttributes(w);
  if (w.packed) return unpackRowsOp({ words: w.value }, { ...packed, startRow, rows })[0];
  if (rows === packed.R) return tf.clone(w.value as tf.Tensor2D);
  return tf.slice(w.value as tf.Tensor2D, [startRow, 0], [rows, packed.C]);
}
