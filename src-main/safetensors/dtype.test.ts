import { describe, expect, it } from 'vitest';
import { bf16FromF32Bits, castF32, f16FromF32Bits, f16Value, widenInto } from './dtype.ts';

const bitsOf = (value: number): number => new Uint32Array(new Float32Array([value]).buffer)[0]!;

/** V8's own conversion, as the independent reference. */
const NativeF16 = Reflect.get(globalThis, 'Float16Array') as new (source: ArrayBuffer | number[]) => {
  readonly buffer: ArrayBuffer;
  readonly length: number;
  [i: number]: number;
};
const nativeF16Bits = (value: number): number => new Uint16Array(new NativeF16([value]).buffer)[0]!;

describe('float16', () => {
  it('widens all 65536 values as the JavaScript engine does', () => {
    const halves = Uint16Array.from({ length: 65536 }, (_, i) => i);
    const native = new NativeF16(halves.buffer);
    const out = new Float32Array(65536);
    widenInto(out, halves, 'F16');
    for (let i = 0; i < 65536; i++) if (!Object.is(out[i], native[i])) expect(out[i], `bits ${i}`).toBe(native[i]);
  });

  it('rounds the value, its neighbours and the midpoints between all float16 values as the JavaScript engine does', () => {
    for (let i = 0; i < 0x7c00; i++) {
      const middle = (f16Value(i) + (i === 0x7bff ? 65536 : f16Value(i + 1))) / 2;
      for (const value of [f16Value(i), middle, middle * (1 + 2 ** -23), middle * (1 - 2 ** -23), -middle]) {
        const x = Math.fround(value);
        const got = f16FromF32Bits(bitsOf(x));
        if (got !== nativeF16Bits(x)) expect(got, `value ${x}`).toBe(nativeF16Bits(x));
      }
    }
  });

  it('keeps NaN and Inf, overflows to Inf, underflows to signed zero', () => {
    expect(f16Value(f16FromF32Bits(0x7f800001))).toBeNaN();
    expect([Infinity, -Infinity, 65519, 65520, 1e-8, -1e-8].map((x) => f16FromF32Bits(bitsOf(x)))).toEqual([
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
