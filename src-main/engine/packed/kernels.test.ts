/** The WebAssembly kernels against packMatrix.ts, which packs and reads value by value in plain JavaScript. */
/// <reference lib="esnext.float16" />
import { describe, expect, it } from 'vitest';
import { Random } from '../../../src-shared/random.ts';
import { PACKED_FORMATS, packedLayout, type PackedFormat } from './formats.ts';
import {
  emptyMatrix,
  emptyMaxima,
  finishPacking,
  packRows,
  packSource,
  SOURCE_DTYPES,
  type SourceDtype,
  unpackRows,
} from './kernels.ts';
import { NF4_LEVELS } from './nf4.ts';
import { packMatrix, unpackMatrix } from './packMatrix.ts';

/** With rows that end anywhere in a quad, a block of NF4 and a group of blocks, and more than one chunk. */
const SHAPES: [number, number][] = [
  [1, 1],
  [3, 5],
  [4, 64],
  [7, 66],
  [2, 130],
  [70, 257],
  [5, 1023],
  [9, 17000],
];
const CASES = PACKED_FORMATS.flatMap((format) => SHAPES.map(([R, C]) => [format, R, C] as const));

/** Values as they are in checkpoints, and those that rounding gets wrong: ties, denormals, both zeros, extremes. */
function values(R: number, C: number): Float32Array {
  const random = new Random(R * C);
  const all = random.normal(R * C, 0.05);
  const odd = [
    0,
    -0,
    1e-45,
    -1e-45,
    1e-40,
    6e-8,
    2 ** -25,
    3 * 2 ** -25,
    -5e-6,
    65504,
    -65504,
    1 + 2 ** -8,
    1 + 3 * 2 ** -8,
  ];
  const ties = [1 + 2 ** -11, 1 + 3 * 2 ** -11, 2 ** -14 - 2 ** -25, 0.5, 1.5, 63.5, -63.5, 127, ...NF4_LEVELS];
  for (const value of [...odd, ...ties]) if (random.integer(2)) all[random.integer(R * C)] = value;
  if (R > 2) all.fill(0, C, 2 * C);
  return all;
}

/** The values in `dtype`, and the same as float32. */
function source(dtype: SourceDtype, wanted: Float32Array): { bytes: Uint8Array; f32: Float32Array } {
  if (dtype === 'F32') return { bytes: new Uint8Array(wanted.buffer), f32: wanted };
  if (dtype === 'F16') {
    const halves = new Float16Array(wanted);
    return { bytes: new Uint8Array(halves.buffer), f32: new Float32Array(halves) };
  }
  const halves = Uint16Array.from(new Uint32Array(wanted.buffer), (bits) => bits >>> 16);
  const f32 = new Float32Array(Uint32Array.from(halves, (half) => half << 16).buffer);
  return { bytes: new Uint8Array(halves.buffer), f32 };
}

/** The bytes at an odd address. */
function unaligned(bytes: Uint8Array): Uint8Array {
  const all = new Uint8Array(bytes.length + 1);
  all.set(bytes, 1);
  return all.subarray(1);
}

/** Bit for bit; by their place, since a message with all values takes minutes. */
function expectSame(got: Words, want: Words): void {
  const [a, b] = [bitsOf(got), bitsOf(want)];
  expect(a.length).toBe(b.length);
  expect(a.findIndex((bits, i) => bits !== b[i])).toBe(-1);
}

type Words = Int32Array | Uint32Array | Float32Array;

function bitsOf({ buffer, byteOffset, length }: Words): Uint32Array {
  return new Uint32Array(buffer, byteOffset, length);
}

describe('packing in WebAssembly', () => {
  it.each(CASES)('%s, (%i, %i): the words of packMatrix', (format, R, C) => {
    for (const dtype of SOURCE_DTYPES) {
      const { bytes, f32 } = source(dtype, values(R, C));
      const got = packSource('w', { dtype, bytes: unaligned(bytes) }, R, C, format);
      expectSame(got.words, packMatrix('w', f32, R, C, format).words);
    }
  });

  it.each(PACKED_FORMATS)('%s: rows of the smallest float32', (format) => {
    const [R, C] = [200, 3];
    const f32 = Float32Array.from({ length: R * C }, (_, i) => (i % 2 ? -1 : 1) * i * 2 ** -149);
    const got = packSource('w', { dtype: 'F32', bytes: new Uint8Array(f32.buffer) }, R, C, format);
    expectSame(got.words, packMatrix('w', f32, R, C, format).words);
  });

  it('int8 rounds halves as Math.round does, nf4 takes the lower of two levels as near', () => {
    const halves = Float32Array.of(127, 0.5, 1.5, -0.5, -1.5, 2.5);
    const int8 = packSource('w', { dtype: 'F32', bytes: new Uint8Array(halves.buffer) }, 1, 6, 'int8');
    expect([...new Int8Array(int8.words.buffer, 0, 6)]).toEqual([127, 1, 2, 0, -1, 3]);
    const between = Float32Array.of(2, (NF4_LEVELS[7] + NF4_LEVELS[8]) / 2, NF4_LEVELS[7] + NF4_LEVELS[8]);
    const nf4 = packSource('w', { dtype: 'F32', bytes: new Uint8Array(between.buffer) }, 1, 3, 'nf4');
    expect(nf4.words[0]! & 0xfff).toBe(0x77f);
  });

  it.each(CASES)('%s, (%i, %i): in parts, in any order, into shared memory', (format, R, C) => {
    const f32 = values(R, C);
    const matrix = emptyMatrix(format, R, C, true);
    const maxima = emptyMaxima(matrix, true);
    const middle = Math.ceil(R / 3);
    for (const [from, to] of [
      [middle, R],
      [0, middle],
    ] as const) {
      const bytes = new Uint8Array(f32.buffer, 4 * from * C, 4 * (to - from) * C);
      packRows('w', matrix, from, { dtype: 'F32', bytes }, maxima);
    }
    if (format === 'nf4') finishPacking(matrix, maxima);
    expectSame(matrix.words, packMatrix('w', f32, R, C, format).words);
  });

  it.each(PACKED_FORMATS)('%s refuses what no float16 holds, as packMatrix does', (format: PackedFormat) => {
    const refusal = (dtype: SourceDtype, wanted: number[]): unknown => {
      const { bytes } = source(dtype, Float32Array.from(wanted));
      try {
        return packSource('h.0.w', { dtype, bytes }, 3, 2, format);
      } catch (error) {
        return (error as Error).message;
      }
    };
    expect(refusal('F32', [1, 2, 3, 7e4, NaN, 1])).toMatch(/^Tensor h\.0\.w holds 70000, .*base dtype f32/);
    expect(refusal('F32', [1, 2, 65504, 3, 1, -65505])).toMatch(/holds -65505/);
    expect(refusal('BF16', [NaN, 2, 3, 1e30, 1, 1])).toMatch(/holds NaN/);
    expect(refusal('F16', [1, 2, 3, -Infinity, 1, 1])).toMatch(/holds -Infinity/);
    expect(refusal('F16', [1, 2, 3, 1, NaN, 1])).toMatch(/holds NaN/);
  });

  it('takes whole rows only', () => {
    const matrix = emptyMatrix('f16', 2, 3);
    expect(() => packRows('w', matrix, 0, { dtype: 'F32', bytes: new Uint8Array(16) })).toThrow(/no rows of 3 F32/);
  });
});

describe('unpacking in WebAssembly', () => {
  it.each(CASES)('%s, (%i, %i): the values of unpackMatrix, rows of any range', (format, R, C) => {
    const matrix = packMatrix('w', values(R, C), R, C, format);
    const want = unpackMatrix(matrix);
    for (const [first, count] of [
      [0, R],
      [Math.floor(R / 2), R - Math.floor(R / 2)],
      [R - 1, 1],
      [0, Math.ceil(R / 2)],
    ] as const) {
      const got = unpackRows(matrix, first, count);
      expect(got.byteOffset % 64).toBe(0);
      expectSame(got, want.subarray(first * C, (first + count) * C));
      const columns = Float32Array.from(got, (_, i) => want[(first + (i % count)) * C + Math.floor(i / count)]!);
      expectSame(unpackRows(matrix, first, count, true), columns);
    }
  });

  it('f16 and bf16: every value that they can hold', () => {
    const all = Uint16Array.from({ length: 1 << 16 }, (_, i) => i);
    const f16 = { format: 'f16', R: 1, C: all.length, words: new Int32Array(all.buffer) } as const;
    const want = Float32Array.from(new Float16Array(all.buffer));
    const got = unpackRows(f16, 0, 1).slice();
    want.forEach((value, i) => Number.isFinite(value) || (got[i] = value)); // packed matrices hold finite values
    expectSame(got, want);
    const bf16 = { ...f16, format: 'bf16' } as const;
    const bits = Uint32Array.from(all, (half) => half << 16);
    expectSame(unpackRows(bf16, 0, 1), bits);
  });

  it('of a matrix that begins in the middle of its buffer', () => {
    for (const format of PACKED_FORMATS) {
      const { words } = packMatrix('w', values(7, 66), 7, 66, format);
      const room = new Int32Array(words.length + 3);
      room.set(words, 2);
      const moved = { format, R: 7, C: 66, words: room.subarray(2, 2 + packedLayout(format, 7, 66).words) };
      expectSame(unpackRows(moved, 0, 7), unpackMatrix({ ...moved, words }));
    }
  });
});
