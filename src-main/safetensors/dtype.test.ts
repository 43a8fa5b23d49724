import { describe, expect, it } from 'vitest';
import { bf16FromF32Bits, castF32, widenInto } from './dtype.ts';

const bitsOf = (value: number): number => new Uint32Array(new Float32Array([value]).buffer)[0]!;

/** IEEE 754 by arithmetic, as the independent reference. */
function f16FromF32Bits(bits: number): number {
  const sign = (bits >>> 16) & 0x8000;
  const magnitude = bits & 0x7fffffff;
  if (magnitude > 0x7f800000) return sign | 0x7e00 | ((magnitude >>> 13) & 0x1ff); // NaN, made quiet
  if (magnitude >= 0x47800000) return sign | 0x7c00; // 65536 and above
  // Normal: rebias the exponent by 127 - 15; a carry out of the mantissa moves into the exponent, up to Inf.
  if (magnitude >= 0x38800000) return sign | ((magnitude - 0x38000000 + 0xfff + ((magnitude >>> 13) & 1)) >>> 13);
  if (magnitude < 0x33000000) return sign; // below half of the smallest subnormal
  const shift = 126 - (magnitude >>> 23); // 14..24: mantissa with its hidden bit in units of 2^-24
  const mantissa = (magnitude & 0x7fffff) | 0x800000;
  const rest = mantissa & ((1 << shift) - 1);
  const half = 1 << (shift - 1);
  const whole = mantissa >>> shift;
  return sign | (rest > half || (rest === half && (whole & 1) === 1) ? whole + 1 : whole);
}

/** Value of a float16 given as bits. */
function f16Value(bits: number): number {
  const sign = bits & 0x8000 ? -1 : 1;
  const exponent = (bits >>> 10) & 0x1f;
  const mantissa = bits & 0x3ff;
  if (exponent === 0) return sign * mantissa * 2 ** -24;
  if (exponent === 31) return mantissa ? NaN : sign * Infinity;
  return sign * (1024 + mantissa) * 2 ** (exponent - 25);
}

const castBits = (value: number): number => new Uint16Array(castF32(Float32Array.of(value), 'F16').buffer)[0]!;

describe('float16', () => {
  it('widens all 65536 values', () => {
    const halves = Uint16Array.from({ length: 65536 }, (_, i) => i);
    const out = new Float32Array(65536);
    widenInto(out, halves, 'F16');
    for (let i = 0; i < 65536; i++) if (!Object.is(out[i], f16Value(i))) expect(out[i], `bits ${i}`).toBe(f16Value(i));
  });

  it('rounds the value, its neighbours and the midpoints between all float16 values to nearest, even', () => {
    for (let i = 0; i < 0x7c00; i++) {
      const middle = (f16Value(i) + (i === 0x7bff ? 65536 : f16Value(i + 1))) / 2;
      for (const value of [f16Value(i), middle, middle * (1 + 2 ** -23), middle * (1 - 2 ** -23), -middle]) {
        const x = Math.fround(value);
        const want = f16FromF32Bits(bitsOf(x));
        if (castBits(x) !== want) expect(castBits(x), `value ${x}`).toBe(want);
      }
    }
  });

  it('keeps NaN and Inf, overflows to Inf, underflows to signed zero', () => {
    const nans = Uint32Array.of(0x7f800001, 0xff800001, 0x7fffffff, 0x7fc00000);
    const halves = new Uint16Array(castF32(new Float32Array(nans.buffer), 'F16').buffer);
    for (const bits of halves) expect(f16Value(bits)).toBeNaN();
    expect([Infinity, -Infinity, 65519, 65520, 1e-8, -1e-8].map(castBits)).toEqual([
      0x7c00, 0xfc00, 0x7bff, 0x7c00, 0, 0x8000,
    ]);
  });
});

describe('bfloat16', () => {
  it.each([
    [1, 0x3f80],
    [Math.PI, 0x4049],
    [-2.5, 0xc020],
    [0, 0],
    [-0, 0x8000],
    [1 + 2 ** -8, 0x3f80],
    [1 + 3 * 2 ** -8, 0x3f82],
    [1 + 2 ** -8 + 2 ** -20, 0x3f81], // ties to even, above a tie
    [3.4028234663852886e38, 0x7f80],
    [3.3895313892515355e38, 0x7f7f],
    [Infinity, 0x7f80],
    [-Infinity, 0xff80],
    [1e-40, 1],
  ])('%d has bits %d', (value, bits) => {
    expect(bf16FromF32Bits(bitsOf(value))).toBe(bits);
  });

  it('keeps NaN, also where the payload sits in the dropped half', () => {
    for (const bits of [0x7f800001, 0xff800001, 0x7fffffff]) {
      const out = new Float32Array(1);
      widenInto(out, Uint16Array.of(bf16FromF32Bits(bits)), 'BF16');
      expect(out[0]).toBeNaN();
    }
  });

  it('casts every bfloat16 value back to itself', () => {
    const halves = Uint16Array.from({ length: 65536 }, (_, i) => i).filter((i) => (i & 0x7fff) <= 0x7f80);
    const wide = new Float32Array(halves.length);
    widenInto(wide, halves, 'BF16');
    expect(Buffer.from(castF32(wide, 'BF16')).equals(Buffer.from(halves.buffer))).toBe(true);
  });
});
