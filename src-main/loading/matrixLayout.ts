/**
 * Where the rows of a matrix lie among its words (engine/packed/formats.ts), and how it is cut into runs of rows that
 * are read, packed and passed on one after the other, so that no large matrix is ever held twice.
 */
import { packedLayout, type PackedFormat } from '../engine/packed/formats.ts';
import { DTYPE_BYTES, type FloatDtype } from '../safetensors/dtype.ts';

/** `f32` stands for values that are only widened, for a device that is filled piece by piece. */
export type LoadedForm = PackedFormat | 'f32';

export interface MatrixBytes {
  rowBytes: number;
  /** Of all rows, filled up to a whole word; what turns them back into numbers follows. */
  valueBytes: number;
  totalBytes: number;
  /** float32 numbers that packing a row yields beside its values: int8 its scale, nf4 the maxima of its blocks. */
  factorsPerRow: number;
}

export function matrixBytes(format: LoadedForm, R: number, C: number): MatrixBytes {
  if (format === 'f32') return { rowBytes: 4 * C, valueBytes: 4 * R * C, totalBytes: 4 * R * C, factorsPerRow: 0 };
  const { quads, blocks, maximaAt, words } = packedLayout(format, R, C);
  const rowBytes = { f16: 8, bf16: 8, int8: 4, nf4: 2 }[format] * quads;
  const factorsPerRow = { f16: 0, bf16: 0, int8: 1, nf4: blocks }[format];
  return { rowBytes, valueBytes: 4 * maximaAt, totalBytes: 4 * words, factorsPerRow };
}

export interface RowRun {
  firstRow: number;
  rows: number;
  /** Where its values lie in the packed matrix, in bytes, multiples of four. */
  start: number;
  length: number;
}

/** Runs of at most `mostBytes` of source; an even number of rows each, so that every run starts with a whole word. */
export function rowRuns(format: LoadedForm, dtype: FloatDtype, R: number, C: number, mostBytes: number): RowRun[] {
  const { rowBytes, valueBytes } = matrixBytes(format, R, C);
  const widest = Math.max(C * DTYPE_BYTES[dtype], rowBytes);
  const most = Math.max(2, 2 * Math.floor(mostBytes / widest / 2));
  const runs: RowRun[] = [];
  for (let firstRow = 0; firstRow < R; firstRow += most) {
    const rows = Math.min(most, R - firstRow);
    const start = firstRow * rowBytes;
    const end = firstRow + rows === R ? valueBytes : start + rows * rowBytes;
    runs.push({ firstRow, rows, start, length: end - start });
  }
  return runs;
}
