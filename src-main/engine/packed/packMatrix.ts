/** Packs a float32 matrix into one of the forms of formats.ts, and reads it back. */
/// <reference lib="esnext.float16" />
import { GraftError } from '../../../src-shared/errors.ts';
import { NF4_BLOCK, NF4_GROUP, packedLayout, type PackedFormat } from './formats.ts';
import { NF4_LEVELS, nearestLevel, quantiseMaxima } from './nf4.ts';

export interface PackedMatrix {
  format: PackedFormat;
  R: number;
  C: number;
  words: Int32Array;
}

/** Largest float16. Kernels may keep tiles as float16 whatever the format, so none takes more. */
const LARGEST = 65504;

export function isOutOfRange(value: number): boolean {
  return !(Math.abs(value) <= LARGEST);
}

export function outOfRange(name: string, value: number, format: PackedFormat): GraftError {
  return new GraftError(
    'WEIGHT_OUT_OF_RANGE',
    `Tensor ${name} holds ${value}, which the base dtype ${format} cannot hold; train with the base dtype f32.`,
    { tensor: name, value: String(value) },
  );
}

/**
 * `values`: (R, C) row by row. f16 and bf16 round to nearest, even; int8 is symmetric per row, scale = max|row| / 127;
 * nf4 has blocks of 64 along the row. Throws WEIGHT_OUT_OF_RANGE, naming `name`, for a value beyond float16 or NaN.
 */
export function packMatrix(
  name: string,
  values: Float32Array,
  R: number,
  C: number,
  format: PackedFormat,
): PackedMatrix {
  const beyond = values.find(isOutOfRange);
  if (beyond !== undefined) throw outOfRange(name, beyond, format);
  const matrix: PackedMatrix = { format, R, C, words: new Int32Array(packedLayout(format, R, C).words) };
  PACK[format](values, matrix);
  return matrix;
}

const PACK: Record<PackedFormat, (values: Float32Array, matrix: PackedMatrix) => void> = {
  f16: packF16,
  bf16: packBf16,
  int8: packInt8,
  nf4: packNf4,
};

function packF16(values: Float32Array, { R, C, words }: PackedMatrix): void {
  const halves = new Float16Array(words.buffer);
  const width = halves.length / R;
  for (let r = 0; r < R; r++) halves.set(values.subarray(r * C, (r + 1) * C), r * width);
}

/**
 * The upper half of a float32; half an ulp less one, plus the last kept bit, carries exactly when it must be rounded
 * up.
 */
function packBf16(values: Float32Array, { R, C, words }: PackedMatrix): void {
  const halves = new Uint16Array(words.buffer);
  const width = halves.length / R;
  const bits = new Uint32Array(values.buffer, values.byteOffset, values.length);
  for (let r = 0; r < R; r++) {
    for (let c = 0; c < C; c++) {
      const value = bits[r * C + c]!;
      halves[r * width + c] = (value + 0x7fff + ((value >>> 16) & 1)) >>> 16;
    }
  }
}

function packInt8(values: Float32Array, { R, C, words, format }: PackedMatrix): void {
  const { quads, scalesAt } = packedLayout(format, R, C);
  const bytes = new Int8Array(words.buffer);
  const scales = new Float32Array(words.buffer, 4 * scalesAt, R);
  for (let r = 0; r < R; r++) {
    const scale = Math.fround(largestOf(values, r * C, C) / 127) || 1; // a row of zeros has no scale
    scales[r] = scale;
    for (let c = 0; c < C; c++) {
      // beyond 127 only where the scale is one of the smallest float32, which have few digits
      const step = Math.round(values[r * C + c]! / scale);
      bytes[4 * r * quads + c] = Math.max(-128, Math.min(127, step));
    }
  }
}

function packNf4(values: Float32Array, { R, C, words, format }: PackedMatrix): void {
  const { quads, blocks, maximaAt, scalesAt } = packedLayout(format, R, C);
  const nibbles = new Uint8Array(words.buffer);
  const maxima = new Float32Array(R * blocks);
  for (let r = 0; r < R; r++) {
    for (let block = 0; block < blocks; block++) {
      const first = block * NF4_BLOCK;
      const width = Math.min(NF4_BLOCK, C - first);
      const largest = largestOf(values, r * C + first, width);
      maxima[r * blocks + block] = largest;
      for (let c = first; c < first + 4 * Math.ceil(width / 4); c++) {
        const level = nearestLevel(c < C ? Math.fround(values[r * C + c]! / (largest || 1)) : 0);
        const at = 4 * r * quads + c;
        nibbles[at >> 1]! |= level << (4 * (at & 1));
      }
    }
  }
  const { bytes, mean, scales } = quantiseMaxima(maxima);
  new Int8Array(words.buffer, 4 * maximaAt).set(bytes);
  new Float32Array(words.buffer, 4 * scalesAt).set([mean, ...scales]);
}

function largestOf(values: Float32Array, start: number, count: number): number {
  let largest = 0;
  for (let i = start; i < start + count; i++) largest = Math.max(largest, Math.abs(values[i]!));
  return largest;
}

/** The float32 values that a packed matrix stands for, (R, C) row by row: what a product with it multiplies by. */
export function unpackMatrix(matrix: PackedMatrix): Float32Array {
  return unpackRowsOf(
    matrix,
    Array.from({ length: matrix.R }, (_, r) => r),
  );
}

/** The float32 values of these rows of a packed matrix, one row after the other. */
export function unpackRowsOf(matrix: PackedMatrix, rows: ArrayLike<number>): Float32Array {
  const { format, R, C } = matrix;
  const { quads } = packedLayout(format, R, C);
  const at = READ[format](matrix);
  const values = new Float32Array(rows.length * C);
  for (let i = 0; i < rows.length; i++) {
    const r = rows[i]!;
    for (let c = 0; c < C; c++) values[i * C + c] = at(4 * r * quads + c, r, c);
  }
  return values;
}

/** Reader of the value at place `i` of the padded rows, which is (r, c). */
type Reader = (i: number, r: number, c: number) => number;

const READ: Record<PackedFormat, (matrix: PackedMatrix) => Reader> = {
  f16({ words }) {
    const halves = new Float16Array(words.buffer);
    return (i) => halves[i]!;
  },
  bf16({ words }) {
    const halves = new Uint16Array(words.buffer);
    const view = new DataView(new ArrayBuffer(4));
    return (i) => {
      view.setUint32(0, halves[i]! << 16);
      return view.getFloat32(0);
    };
  },
  int8({ format, R, C, words }) {
    const bytes = new Int8Array(words.buffer);
    const scales = new Float32Array(words.buffer, 4 * packedLayout(format, R, C).scalesAt);
    return (i, r) => scales[r]! * bytes[i]!;
  },
  nf4({ format, R, C, words }) {
    const { blocks, maximaAt, scalesAt } = packedLayout(format, R, C);
    const nibbles = new Uint8Array(words.buffer);
    const maxima = new Int8Array(words.buffer, 4 * maximaAt);
    const [mean, ...scales] = new Float32Array(words.buffer, 4 * scalesAt);
    return (i, r, c) => {
      const block = r * blocks + Math.floor(c / NF4_BLOCK);
      const largest = Math.fround(mean! + Math.fround(scales[Math.floor(block / NF4_GROUP)]! * maxima[block]!));
      return largest * NF4_LEVELS[(nibbles[i >> 1]! >> (4 * (i & 1))) & 15]!;
    };
  },
};
