/** Packed matrices against the definitions of their formats, without a GPU. */
/// <reference lib="esnext.float16" />
import { describe, expect, it } from 'vitest';
import { Random } from '../../../src-shared/random.ts';
import { BASE_DTYPES } from '../../../src-shared/baseDtypes.ts';
import { NF4_BLOCK, NF4_GROUP, PACKED_FORMATS, type PackedFormat, packedLayout } from './formats.ts';
import { NF4_LEVELS, nearestLevel } from './nf4.ts';
import { packMatrix, unpackMatrix } from './packMatrix.ts';

const SHAPES: [number, number][] = [
  [1, 1],
  [3, 5],
  [7, 64],
  [2, 130],
  [70, 257],
];

function randomMatrix(R: number, C: number): Float32Array {
  return new Random(R * C).normal(R * C, 0.05);
}

function blockOf(values: Float32Array, i: number, C: number): Float32Array {
  const [r, first] = [Math.floor(i / C), Math.floor((i % C) / NF4_BLOCK) * NF4_BLOCK];
  return values.subarray(r * C + first, r * C + Math.min(C, first + NF4_BLOCK));
}

const largest = (values: Float32Array): number => values.reduce((most, value) => Math.max(most, Math.abs(value)), 0);

/** Standard deviation 1: integral of the normal density from 0 to x, by Simpson's rule, plus a half. */
function normalCdf(x: number): number {
  const [n, h] = [2000, x / 2000];
  let sum = 0;
  for (let i = 0; i <= n; i++) sum += (i === 0 || i === n ? 1 : i % 2 ? 4 : 2) * Math.exp(-((i * h) ** 2) / 2);
  return 0.5 + (sum * h) / 3 / Math.sqrt(2 * Math.PI);
}

function normalQuantile(p: number): number {
  let [low, high] = [-9, 9];
  for (let i = 0; i < 60; i++)
    [low, high] = normalCdf((low + high) / 2) < p ? [(low + high) / 2, high] : [low, (low + high) / 2];
  return low;
}

/**
 * Appendix E: 9 quantiles from 1/2 to 1 - d and 8 from d to 1/2, d = (1/30 + 1/32)/2, divided by the largest; one zero.
 */
function derivedLevels(): number[] {
  const d = (1 / 30 + 1 / 32) / 2;
  const half = (count: number): number[] =>
    Array.from({ length: count - 1 }, (_, i) => normalQuantile(1 - d + ((d - 0.5) * i) / (count - 1)));
  const [positive, negative] = [half(9), half(8).map((q) => -q)];
  return [...negative, 0, ...positive.toReversed()].map((q) => q / positive[0]!);
}

describe('NF4', () => {
  it('has the levels that follow from the normal distribution', () => {
    derivedLevels().forEach((level, i) => expect(Math.abs(NF4_LEVELS[i]! - level)).toBeLessThan(1e-6));
  });

  it('takes the nearest level', () => {
    for (let value = -1; value <= 1; value += 1 / 512) {
      const distances = NF4_LEVELS.map((level) => Math.abs(level - value));
      expect(distances[nearestLevel(value)]).toBe(Math.min(...distances));
    }
  });

  it('takes 4.127 bits per weight', () => {
    const [R, C] = [768, 768];
    expect((32 * packedLayout('nf4', R, C).words) / (R * C)).toBeCloseTo(4 + 8 / 64 + 32 / (64 * 256), 3);
  });

  it.each(SHAPES)('errs by the distance of two levels and the rounding of the maximum, (%i, %i)', (R, C) => {
    const values = randomMatrix(R, C);
    const read = unpackMatrix(packMatrix('w', values, R, C, 'nf4'));
    const blocks = Math.ceil(C / NF4_BLOCK);
    const maxima = Float32Array.from({ length: R * blocks }, (_, b) =>
      largest(blockOf(values, Math.floor(b / blocks) * C + (b % blocks) * NF4_BLOCK, C)),
    );
    const mean = maxima.reduce((a, b) => a + b, 0) / maxima.length;
    const gap = (1 - 0.6961928009986877) / 2;
    values.forEach((value, i) => {
      const group = Math.floor((Math.floor(i / C) * blocks + Math.floor((i % C) / NF4_BLOCK)) / NF4_GROUP);
      const step = largest(maxima.subarray(group * NF4_GROUP, (group + 1) * NF4_GROUP).map((m) => m - mean)) / 127;
      expect(Math.abs(read[i]! - value)).toBeLessThanOrEqual(
        (gap * largest(blockOf(values, i, C)) + step / 2) * (1 + 1e-5) + 1e-7,
      );
    });
  });
});

describe('packed matrices', () => {
  it.each(SHAPES)('f16 and bf16 round to nearest, even, (%i, %i)', (R, C) => {
    const values = randomMatrix(R, C);
    values[0] = 1 + 2 ** -8; // half way between two bfloat16: the even one is 1
    expect(unpackMatrix(packMatrix('w', values, R, C, 'f16'))).toEqual(Float32Array.from(new Float16Array(values)));
    const bf16 = unpackMatrix(packMatrix('w', values, R, C, 'bf16'));
    expect(bf16[0]).toBe(1);
    bf16.forEach((value, i) => {
      expect(new Uint32Array(Float32Array.of(value).buffer)[0]! & 0xffff).toBe(0);
      expect(Math.abs(value - values[i]!)).toBeLessThanOrEqual(2 ** -8 * Math.abs(values[i]!));
    });
  });

  it.each(SHAPES)('int8 errs by half a step of its row, (%i, %i)', (R, C) => {
    const values = randomMatrix(R, C);
    const read = unpackMatrix(packMatrix('w', values, R, C, 'int8'));
    values.forEach((value, i) => {
      const row = Math.floor(i / C);
      expect(Math.abs(read[i]! - value)).toBeLessThanOrEqual(
        (largest(values.subarray(row * C, (row + 1) * C)) / 254) * (1 + 1e-5),
      );
    });
  });

  it.each(PACKED_FORMATS)('%s keeps zeros, and what it read it packs again unchanged', (format: PackedFormat) => {
    const values = randomMatrix(5, 70);
    values.fill(0, 70, 140);
    const once = unpackMatrix(packMatrix('w', values, 5, 70, format));
    expect(once.subarray(70, 140).every((value) => value === 0)).toBe(true);
    if (format === 'nf4') return; // packing again would take new maxima
    expect(unpackMatrix(packMatrix('w', once, 5, 70, format))).toEqual(once);
  });

  it.each(PACKED_FORMATS)('%s refuses what no float16 holds', (format: PackedFormat) => {
    expect(() => packMatrix('h.0.w', Float32Array.of(1, 7e4), 1, 2, format)).toThrow(
      /h\.0\.w holds 70000, .*base dtype f32/,
    );
    expect(() => packMatrix('h.0.w', Float32Array.of(NaN, 1), 1, 2, format)).toThrow(/holds NaN/);
  });

  it('lists every base dtype but f32', () => expect(PACKED_FORMATS).toEqual(BASE_DTYPES.slice(1)));
});
