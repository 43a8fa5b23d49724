/**
 * Rows of a matrix into their packed values, as ../packMatrix.ts defines them. Quotients that are
 * rounded to whole numbers are in float64, as they are there.
 */
import { BF16, F16, FROM_BF16, FROM_F16, INT8, NF4_BLOCK, quadBytes } from './memory';
import { nearestLevels } from './nf4';
import { widenBf16, widenF16 } from './widen';

/** Largest float16. */
const LARGEST: f32 = 65504;

/**
 * `rows` rows of C values of `dtype`, one after the other at `source`, to `to`. `row`: room for a row in float32,
 * filled up to a multiple of 64 values. `factors`: where a float32 per row (int8: its scale) or per block (nf4: its
 * maximum) goes. Returns the first row that holds a value beyond float16 or NaN, else -1. Writes up to 31 bytes too many.
 */
export function packRows(
  format: i32,
  dtype: i32,
  source: usize,
  C: i32,
  rows: i32,
  row: usize,
  to: usize,
  factors: usize,
): i32 {
  const blocks = (C + NF4_BLOCK - 1) / NF4_BLOCK;
  const quads = (C + 3) / 4;
  const sourceBytes = C * (dtype == FROM_F16 || dtype == FROM_BF16 ? 2 : 4);
  for (let r = 0; r < rows; r++) {
    if (dtype == FROM_F16) widenF16(source, C, row);
    else if (dtype == FROM_BF16) widenBf16(source, C, row);
    else memory.copy(row, source, sourceBytes);
    memory.fill(row + 4 * C, 0, 4 * (blocks * NF4_BLOCK - C));
    if (!inRange(row, blocks * NF4_BLOCK)) return r;
    if (format == F16) packF16(row, 4 * quads, to);
    else if (format == BF16) packBf16(row, 4 * quads, to);
    else if (format == INT8) {
      packInt8(row, 4 * quads, to, factors);
      factors += 4;
    } else {
      for (let block = 0; block < blocks; block++) {
        packBlock(row + 4 * NF4_BLOCK * block, to + 32 * block, factors);
        factors += 4;
      }
    }
    source += sourceBytes;
    to += quads * quadBytes(format);
  }
  return -1;
}

function inRange(values: usize, count: i32): bool {
  const largest = f32x4.splat(LARGEST);
  let within = i32x4.splat(-1);
  for (let i = 0; i < count; i += 4) within = v128.and(within, f32x4.le(f32x4.abs(v128.load(values + 4 * i)), largest));
  return i32x4.all_true(within);
}

function largestOf(values: usize, count: i32): f32 {
  let most = f32x4.splat(0);
  for (let i = 0; i < count; i += 4) most = f32x4.pmax(most, f32x4.abs(v128.load(values + 4 * i)));
  most = f32x4.pmax(most, v128.shuffle<u32>(most, most, 2, 3, 0, 1));
  most = f32x4.pmax(most, v128.shuffle<u32>(most, most, 1, 0, 3, 2));
  return f32x4.extract_lane(most, 0);
}

/** Round to nearest, even. Below 2^-14 the addition of 0.5 rounds to float16's spacing. Source: F. Giesen, "half". */
// @ts-ignore: decorator
@inline
function toHalves(values: v128): v128 {
  const sign = v128.and(values, i32x4.splat(0x80000000));
  const magnitude = v128.xor(values, sign);
  const half = f32x4.splat(0.5);
  const small = i32x4.sub(f32x4.add(magnitude, half), half);
  const odd = v128.and(i32x4.shr_u(magnitude, 13), i32x4.splat(1));
  const rounded = i32x4.add(i32x4.add(magnitude, i32x4.splat(0xfff - (112 << 23))), odd);
  const isSmall = i32x4.lt_u(magnitude, i32x4.splat(113 << 23));
  return v128.or(v128.bitselect(small, i32x4.shr_u(rounded, 13), isSmall), i32x4.shr_u(sign, 16));
}

function packF16(values: usize, count: i32, to: usize): void {
  for (let i = 0; i < count; i += 8) {
    const low = toHalves(v128.load(values + 4 * i));
    const high = toHalves(v128.load(values + 4 * i, 16));
    v128.store(to + 2 * i, i16x8.narrow_i32x4_u(low, high));
  }
}

// @ts-ignore: decorator
@inline
function toUpperHalves(values: v128): v128 {
  const odd = v128.and(i32x4.shr_u(values, 16), i32x4.splat(1));
  return i32x4.shr_u(i32x4.add(i32x4.add(values, i32x4.splat(0x7fff)), odd), 16);
}

function packBf16(values: usize, count: i32, to: usize): void {
  for (let i = 0; i < count; i += 8) {
    const low = toUpperHalves(v128.load(values + 4 * i));
    const high = toUpperHalves(v128.load(values + 4 * i, 16));
    v128.store(to + 2 * i, i16x8.narrow_i32x4_u(low, high));
  }
}

/** Four quotients, halves rounded up as Math.round does. */
// @ts-ignore: decorator
@inline
function quotients(values: v128, scale: v128): v128 {
  const half = f64x2.splat(0.5);
  const low = f64x2.floor(f64x2.add(f64x2.div(f64x2.promote_low_f32x4(values), scale), half));
  const upper = v128.shuffle<u64>(values, values, 1, 0);
  const high = f64x2.floor(f64x2.add(f64x2.div(f64x2.promote_low_f32x4(upper), scale), half));
  return v128.shuffle<u64>(i32x4.trunc_sat_f64x2_s_zero(low), i32x4.trunc_sat_f64x2_s_zero(high), 0, 2);
}

function packInt8(values: usize, count: i32, to: usize, scaleAt: usize): void {
  let scale: f32 = largestOf(values, count) / 127;
  if (scale == 0) scale = 1; // a row of zeros has no scale
  f32.store(scaleAt, scale);
  const divisor = f64x2.splat(scale);
  for (let i = 0; i < count; i += 8) {
    const low = quotients(v128.load(values + 4 * i), divisor);
    const high = quotients(v128.load(values + 4 * i, 16), divisor);
    const words = i16x8.narrow_i32x4_s(low, high);
    v128.store64_lane(to + i, i8x16.narrow_i16x8_s(words, words), 0);
  }
}

/** 64 values into 32 bytes: the earlier value of two in the lower half of their byte. */
function packBlock(values: usize, to: usize, maximumAt: usize): void {
  const largest = largestOf(values, NF4_BLOCK);
  f32.store(maximumAt, largest);
  const divisor = f32x4.splat(largest == 0 ? 1 : largest);
  for (let i = 0; i < NF4_BLOCK; i += 16) {
    const from = values + 4 * i;
    const levels = nearestLevels(
      f32x4.div(v128.load(from), divisor),
      f32x4.div(v128.load(from, 16), divisor),
      f32x4.div(v128.load(from, 32), divisor),
      f32x4.div(v128.load(from, 48), divisor),
    );
    const pairs = v128.and(v128.or(levels, i16x8.shr_u(levels, 4)), i16x8.splat(0xff));
    v128.store64_lane(to + i / 2, i8x16.narrow_i16x8_u(pairs, pairs), 0);
  }
}
