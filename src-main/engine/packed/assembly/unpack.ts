/** Packed values of a matrix's rows back to float32: what ../packMatrix.ts's unpackMatrix gives, bit for bit. */
import { BF16, F16, INT8, NF4_BLOCK, quadBytes } from './memory';
import { storeLevels, zipHigh, zipLow } from './nf4';
import { widenBf16, widenF16 } from './widen';

/**
 * `rows` rows of C values, packed one after the other at `from`, to `to`. `factors`: a float32 per row (int8) or per
 * block (nf4). Reads up to 15 bytes and writes up to 31 values too many.
 */
export function unpackRows(format: i32, from: usize, C: i32, rows: i32, factors: usize, to: usize): void {
  const blocks = (C + NF4_BLOCK - 1) / NF4_BLOCK;
  const rowBytes = ((C + 3) / 4) * quadBytes(format);
  for (let r = 0; r < rows; r++) {
    if (format == F16) widenF16(from, C, to);
    else if (format == BF16) widenBf16(from, C, to);
    else if (format == INT8) {
      unpackInt8(from, C, f32.load(factors), to);
      factors += 4;
    } else {
      unpackNf4(from, C, factors, to);
      factors += 4 * blocks;
    }
    from += rowBytes;
    to += 4 * C;
  }
}

function unpackInt8(from: usize, count: i32, scale: f32, to: usize): void {
  const factor = f32x4.splat(scale);
  for (let i = 0; i < count; i += 16) {
    const bytes = v128.load(from + i);
    const low = i16x8.extend_low_i8x16_s(bytes);
    const high = i16x8.extend_high_i8x16_s(bytes);
    storeScaled(i32x4.extend_low_i16x8_s(low), factor, to + 4 * i);
    storeScaled(i32x4.extend_high_i16x8_s(low), factor, to + 4 * i + 16);
    storeScaled(i32x4.extend_low_i16x8_s(high), factor, to + 4 * i + 32);
    storeScaled(i32x4.extend_high_i16x8_s(high), factor, to + 4 * i + 48);
  }
}

// @ts-ignore: decorator
@inline
function storeScaled(integers: v128, factor: v128, to: usize): void {
  v128.store(to, f32x4.mul(f32x4.convert_i32x4_s(integers), factor));
}

function unpackNf4(from: usize, count: i32, maxima: usize, to: usize): void {
  const lower = i8x16.splat(15);
  for (let i = 0; i < count; i += 32) {
    const largest = v128.load32_splat(maxima + 4 * (i / NF4_BLOCK));
    const bytes = v128.load(from + i / 2);
    const even = v128.and(bytes, lower);
    const odd = i8x16.shr_u(bytes, 4);
    storeLevels(zipLow(even, odd), largest, to + 4 * i);
    storeLevels(zipHigh(even, odd), largest, to + 4 * i + 64);
  }
}
