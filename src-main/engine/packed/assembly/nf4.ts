/** NF4's levels (../nf4.ts, where their source is named), 16 values at a time, each a byte or a float32. */

// Tables lie in memory, since V8 assembles constants of 16 bytes from four instructions wherever they are used.
/** Bytes 0, 1, 2 and 3 of the 16 levels as float32. */
// prettier-ignore
const LEVELS = memory.data<u8>([
  0, 177, 48, 160, 77, 63, 113, 0, 255, 227, 221, 58, 184, 171, 179, 0,
  0, 57, 107, 50, 162, 53, 120, 0, 250, 202, 4, 3, 164, 7, 19, 0,
  128, 50, 6, 202, 145, 61, 186, 0, 162, 36, 124, 173, 225, 16, 57, 128,
  191, 191, 191, 190, 190, 190, 189, 0, 61, 62, 62, 62, 62, 63, 63, 63,
], 16);

/** The same of the borders half way between neighbouring levels, rounded down, and of one that none exceeds. */
// prettier-ignore
const BORDERS = memory.data<u8>([
  217, 113, 128, 119, 237, 188, 113, 255, 98, 224, 212, 249, 3, 175, 217, 0,
  28, 82, 132, 234, 60, 56, 120, 250, 72, 103, 130, 83, 109, 141, 137, 0,
  89, 28, 235, 173, 112, 13, 58, 34, 246, 80, 149, 199, 0, 36, 92, 0,
  191, 191, 190, 190, 190, 190, 189, 61, 61, 62, 62, 62, 63, 63, 63, 64,
], 16);

/** Borders below -1, -15/16 … 15/16; no two are nearer than 1/16 to each other. */
// prettier-ignore
const BORDERS_BELOW = memory.data<u8>([
  0, 0, 0, 1, 1, 1, 1, 2, 2, 3, 3, 4, 4, 5, 6, 6,
  7, 8, 9, 9, 10, 11, 11, 12, 12, 13, 13, 14, 14, 14, 15, 15,
], 16);


/** The index of the level nearest to each of 16 values in [-1, 1]: how many borders it exceeds. */
// @ts-ignore: decorator
@inline
export function nearestLevels(a: v128, b: v128, c: v128, d: v128): v128 {
  const places = i8x16.min_u(narrow(sixteenths(a), sixteenths(b), sixteenths(c), sixteenths(d)), i8x16.splat(31));
  const below = v128.or(
    i8x16.swizzle(v128.load(BORDERS_BELOW), places),
    i8x16.swizzle(v128.load(BORDERS_BELOW, 16), i8x16.sub(places, i8x16.splat(16))),
  );
  // the one border that may lie between the sixteenth and the value
  const border0 = i8x16.swizzle(v128.load(BORDERS), below);
  const border1 = i8x16.swizzle(v128.load(BORDERS, 16), below);
  const border2 = i8x16.swizzle(v128.load(BORDERS, 32), below);
  const border3 = i8x16.swizzle(v128.load(BORDERS, 48), below);
  const low = zipLow(border0, border1);
  const lowUpper = zipLow(border2, border3);
  const high = zipHigh(border0, border1);
  const highUpper = zipHigh(border2, border3);
  const exceeds = i8x16.narrow_i16x8_s(
    i16x8.narrow_i32x4_s(f32x4.gt(a, zipLow16(low, lowUpper)), f32x4.gt(b, zipHigh16(low, lowUpper))),
    i16x8.narrow_i32x4_s(f32x4.gt(c, zipLow16(high, highUpper)), f32x4.gt(d, zipHigh16(high, highUpper))),
  );
  return i8x16.sub(below, exceeds);
}

/** In which sixteenth of [-1, 1] four values lie, 0 to 32. */
// @ts-ignore: decorator
@inline
function sixteenths(values: v128): v128 {
  return i32x4.trunc_sat_f32x4_s(f32x4.mul(f32x4.add(values, f32x4.splat(1)), f32x4.splat(16)));
}

/** 16 small integers of 32 bits as bytes. */
// @ts-ignore: decorator
@inline
function narrow(a: v128, b: v128, c: v128, d: v128): v128 {
  return i8x16.narrow_i16x8_u(i16x8.narrow_i32x4_s(a, b), i16x8.narrow_i32x4_s(c, d));
}

/** The levels of 16 indices, one a byte, times `factor` (a float32 in all lanes), to `to`. */
// @ts-ignore: decorator
@inline
export function storeLevels(indices: v128, factor: v128, to: usize): void {
  const byte0 = i8x16.swizzle(v128.load(LEVELS), indices);
  const byte1 = i8x16.swizzle(v128.load(LEVELS, 16), indices);
  const byte2 = i8x16.swizzle(v128.load(LEVELS, 32), indices);
  const byte3 = i8x16.swizzle(v128.load(LEVELS, 48), indices);
  const low = zipLow(byte0, byte1);
  const lowUpper = zipLow(byte2, byte3);
  const high = zipHigh(byte0, byte1);
  const highUpper = zipHigh(byte2, byte3);
  v128.store(to, f32x4.mul(zipLow16(low, lowUpper), factor));
  v128.store(to, f32x4.mul(zipHigh16(low, lowUpper), factor), 16);
  v128.store(to, f32x4.mul(zipLow16(high, highUpper), factor), 32);
  v128.store(to, f32x4.mul(zipHigh16(high, highUpper), factor), 48);
}

/** a0 b0 a1 b1 … of the first eight bytes. */
// @ts-ignore: decorator
@inline
export function zipLow(a: v128, b: v128): v128 {
  return v128.shuffle<u8>(a, b, 0, 16, 1, 17, 2, 18, 3, 19, 4, 20, 5, 21, 6, 22, 7, 23);
}

/** … and of the last eight. */
// @ts-ignore: decorator
@inline
export function zipHigh(a: v128, b: v128): v128 {
  return v128.shuffle<u8>(a, b, 8, 24, 9, 25, 10, 26, 11, 27, 12, 28, 13, 29, 14, 30, 15, 31);
}

// @ts-ignore: decorator
@inline
function zipLow16(a: v128, b: v128): v128 {
  return v128.shuffle<u16>(a, b, 0, 8, 1, 9, 2, 10, 3, 11);
}

// @ts-ignore: decorator
@inline
function zipHigh16(a: v128, b: v128): v128 {
  return v128.shuffle<u16>(a, b, 4, 12, 5, 13, 6, 14, 7, 15);
}
