/**
 * Packs and unpacks rows of matrices in WebAssembly (./assembly): some hundred million values a second and thread. The
 * results are those of packMatrix.ts, bit for bit.
 */
/// <reference lib="esnext.float16" />
import { NF4_BLOCK, NF4_GROUP, PACKED_FORMATS, packedLayout, type PackedFormat } from './formats.ts';
import { quantiseMaxima } from './nf4.ts';
import { outOfRange, isOutOfRange, type PackedMatrix } from './packMatrix.ts';
import { wasmKernels } from './wasmKernels.ts';

export const SOURCE_DTYPES = ['F32', 'F16', 'BF16'] as const;
export type SourceDtype = (typeof SOURCE_DTYPES)[number];

/** Values as a checkpoint has them: little-endian, row by row, at any alignment. */
export interface SourceRows {
  dtype: SourceDtype;
  bytes: Uint8Array;
}

/** Bytes that go through the kernels' memory at once: they stay in the caches. */
const CHUNK = 1 << 17;
/** Rows that are transposed together: their columns fill lines of the cache, 64 bytes. */
const STRIP = 16;
/** Bytes of unpacked values that are multiplied at once: half of a second-level cache of the smaller kind. */
const STRIP_BYTES = 1 << 17;
/** Bytes that the kernels may read or write beyond what they are asked for. */
const SLACK = 128;
const QUAD_BYTES: Record<PackedFormat, number> = { f16: 8, bf16: 8, int8: 4, nf4: 2 };

/** A matrix to pack rows into, now zeros; `shared`: in memory that several threads can have. */
export function emptyMatrix(format: PackedFormat, R: number, C: number, shared = false): PackedMatrix {
  const bytes = 4 * packedLayout(format, R, C).words;
  return { format, R, C, words: new Int32Array(shared ? new SharedArrayBuffer(bytes) : new ArrayBuffer(bytes)) };
}

/** NF4: room for the largest absolute value of each block of the matrix, row by row, for `packRows`. */
export function emptyMaxima({ format, R, C }: PackedMatrix, shared = false): Float32Array {
  const bytes = 4 * R * packedLayout(format, R, C).blocks;
  return new Float32Array(shared ? new SharedArrayBuffer(bytes) : new ArrayBuffer(bytes));
}

/**
 * Packs whole rows as the rows `first` … of `matrix`. NF4 puts the largest absolute value of each block into its place
 * in `maxima` (emptyMaxima), and `finishPacking` adds them once all rows are there. Several threads may pack rows of
 * one matrix. Throws WEIGHT_OUT_OF_RANGE, naming `name`, for a value beyond float16 or NaN.
 */
export function packRows(
  name: string,
  matrix: PackedMatrix,
  first: number,
  { dtype, bytes }: SourceRows,
  maxima?: Float32Array,
): void {
  const { format, C } = matrix;
  const { rowBytes, factorsPerRow, blocks } = rowsOf(matrix);
  const sourceBytes = C * (dtype === 'F32' ? 4 : 2);
  const count = bytes.length / sourceBytes;
  if (!Number.isInteger(count)) throw new Error(`${bytes.length} bytes are no rows of ${C} ${dtype}`);
  const factors = format === 'nf4' ? maxima : scalesOf(matrix);
  if (!factors) throw new Error(`${name} needs a place for the maxima of its blocks`);
  const step = Math.max(1, Math.floor(CHUNK / (4 * C)));
  const { exports, regions } = wasmKernels();
  const [source, row, packed, found] = regions(
    step * sourceBytes + SLACK,
    4 * NF4_BLOCK * blocks + SLACK,
    step * rowBytes + SLACK,
    4 * step * factorsPerRow,
  );
  const [formatIndex, dtypeIndex] = [PACKED_FORMATS.indexOf(format), SOURCE_DTYPES.indexOf(dtype)];
  const target = bytesOf(matrix);
  for (let r = 0; r < count; r += step) {
    const rows = Math.min(step, count - r);
    const part = bytes.subarray(r * sourceBytes, (r + rows) * sourceBytes);
    source.bytes.set(part);
    const bad = exports.packRows(formatIndex, dtypeIndex, source.at, C, rows, row.at, packed.at, found.at);
    if (bad >= 0) {
      const values = valuesOf(dtype, part.slice(bad * sourceBytes, (bad + 1) * sourceBytes));
      throw outOfRange(name, values.find(isOutOfRange)!, format);
    }
    target.set(packed.bytes.subarray(0, rows * rowBytes), (first + r) * rowBytes);
    factors.set(found.floats.subarray(0, rows * factorsPerRow), (first + r) * factorsPerRow);
  }
}

/** Adds the maxima of all blocks, which `packRows` found, to an NF4 matrix. */
export function finishPacking(matrix: PackedMatrix, maxima: Float32Array): void {
  const { words } = matrix;
  const { maximaAt, scalesAt } = packedLayout(matrix.format, matrix.R, matrix.C);
  const { bytes, mean, scales } = quantiseMaxima(maxima);
  new Int8Array(words.buffer, words.byteOffset + 4 * maximaAt).set(bytes);
  const kept = new Float32Array(words.buffer, words.byteOffset + 4 * scalesAt);
  kept[0] = mean;
  kept.set(scales, 1);
}

/** As packMatrix, from what a checkpoint holds of an (R, C) matrix. */
export function packSource(name: string, source: SourceRows, R: number, C: number, format: PackedFormat): PackedMatrix {
  const matrix = emptyMatrix(format, R, C);
  const maxima = format === 'nf4' ? emptyMaxima(matrix) : undefined;
  packRows(name, matrix, 0, source, maxima);
  if (maxima) finishPacking(matrix, maxima);
  return matrix;
}

/**
 * The float32 values of `count` rows from `first` on, (count, C) row by row, or (C, count) where `transposed`. They lie
 * in the kernels' memory, at a multiple of 64 bytes, and are there until any function of this file is called again.
 */
export function unpackRows(matrix: PackedMatrix, first: number, count: number, transposed = false): Float32Array {
  const { format, C } = matrix;
  const { rowBytes, factorsPerRow } = rowsOf(matrix);
  // what is transposed goes through the caches twice
  const step = transposed ? STRIP : Math.max(1, Math.floor(CHUNK / rowBytes));
  const { exports, regions } = wasmKernels();
  const [packed, factors, strip, values] = regions(
    step * rowBytes + SLACK,
    4 * count * factorsPerRow,
    transposed ? 4 * STRIP * C + SLACK : 0,
    4 * count * C + SLACK,
  );
  readFactors(matrix, first * factorsPerRow, factors.floats);
  const from = bytesOf(matrix);
  const formatIndex = PACKED_FORMATS.indexOf(format);
  for (let r = 0; r < count; r += step) {
    const rows = Math.min(step, count - r);
    packed.bytes.set(from.subarray((first + r) * rowBytes, (first + r + rows) * rowBytes));
    const to = transposed ? strip.at : values.at + 4 * r * C;
    exports.unpackRows(formatIndex, packed.at, C, rows, factors.at + 4 * r * factorsPerRow, to);
    if (transposed) exports.transposeRows(strip.at, C, rows, values.at + 4 * r, count);
  }
  return values.floats.subarray(0, count * C);
}

/**
 * x·W^T (`transposed`) or x·W with W the `count` rows of the matrix from `first` on, for a few rows of x: each part of
 * W is multiplied while it is in the cache. x: (N, C) or (N, count). Returns (N, count) or (N, C).
 */
export function productOfFew(
  x: Float32Array,
  matrix: PackedMatrix,
  first: number,
  count: number,
  transposed: boolean,
): Float32Array {
  const { format, C } = matrix;
  const { rowBytes, factorsPerRow } = rowsOf(matrix);
  const [inner, width] = transposed ? [C, count] : [count, C];
  const N = x.length / inner;
  const step = Math.max(1, Math.floor(STRIP_BYTES / (4 * C)));
  const { exports, regions } = wasmKernels();
  const [packed, factors, strip, given, result] = regions(
    step * rowBytes + SLACK,
    4 * count * factorsPerRow,
    4 * step * C + SLACK,
    4 * N * inner + SLACK,
    4 * N * width + SLACK,
  );
  readFactors(matrix, first * factorsPerRow, factors.floats);
  given.floats.set(x);
  result.floats.fill(0);
  const from = bytesOf(matrix);
  const formatIndex = PACKED_FORMATS.indexOf(format);
  for (let r = 0; r < count; r += step) {
    const rows = Math.min(step, count - r);
    packed.bytes.set(from.subarray((first + r) * rowBytes, (first + r + rows) * rowBytes));
    exports.unpackRows(formatIndex, packed.at, C, rows, factors.at + 4 * r * factorsPerRow, strip.at);
    if (transposed) exports.dotRows(strip.at, C, rows, given.at, N, result.at + 4 * r, count);
    else exports.addRows(strip.at, C, rows, given.at + 4 * r, N, count, result.at);
  }
  return result.floats.slice(0, N * width);
}

/** int8: the scales of rows, nf4: the maxima of blocks, from the one with index `start` on. */
function readFactors(matrix: PackedMatrix, start: number, into: Float32Array): void {
  const { format, words, R, C } = matrix;
  if (format === 'int8') into.set(scalesOf(matrix).subarray(start, start + into.length));
  if (format !== 'nf4') return;
  const { maximaAt, scalesAt } = packedLayout(format, R, C);
  const bytes = new Int8Array(words.buffer, words.byteOffset + 4 * maximaAt + start, into.length);
  const scales = new Float32Array(words.buffer, words.byteOffset + 4 * scalesAt);
  const mean = scales[0]!;
  for (let i = 0; i < into.length; i++)
    into[i] = mean + Math.fround(scales[1 + Math.floor((start + i) / NF4_GROUP)]! * bytes[i]!);
}

/** Bytes of the packed values of a row, and how many float32 factors a row has. */
function rowsOf({ format, R, C }: PackedMatrix): { rowBytes: number; factorsPerRow: number; blocks: number } {
  const { quads, blocks } = packedLayout(format, R, C);
  return {
    rowBytes: quads * QUAD_BYTES[format],
    factorsPerRow: { f16: 0, bf16: 0, int8: 1, nf4: blocks }[format],
    blocks,
  };
}

function bytesOf({ words }: PackedMatrix): Uint8Array {
  return new Uint8Array(words.buffer, words.byteOffset, words.byteLength);
}

function scalesOf({ format, R, C, words }: PackedMatrix): Float32Array {
  const { scalesAt } = packedLayout(format, R, C);
  return new Float32Array(words.buffer, words.byteOffset + 4 * scalesAt, format === 'int8' ? R : 0);
}

function valuesOf(dtype: SourceDtype, bytes: Uint8Array<ArrayBuffer>): Float32Array {
  if (dtype === 'F32') return new Float32Array(bytes.buffer);
  if (dtype === 'F16') return Float32Array.from(new Float16Array(bytes.buffer));
  return new Float32Array(Uint32Array.from(new Uint16Array(bytes.buffer), (half) => half << 16).buffer);
}
