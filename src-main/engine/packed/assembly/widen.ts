/** float16 and bfloat16 as float32, exactly. Each call reads and writes whole groups of eight values. */

/** float16's exponent, moved to float32's place, is short by 127 - 15. */
const EXPONENT: i32 = 112 << 23;
/** What a float16 below 2^-14 has gained once it has a leading one: 2^-14. */
const SMALLEST_NORMAL: f32 = 6.103515625e-5;

/** Four float16, each in the lower half of a 32-bit lane. An exponent of 31 (infinity, NaN) becomes 2^16 and more. */
// @ts-ignore: decorator
@inline
export function halvesToF32(halves: v128): v128 {
  const magnitude = i32x4.shl(v128.and(halves, i32x4.splat(0x7fff)), 13);
  const normal = i32x4.add(magnitude, i32x4.splat(EXPONENT));
  const small = f32x4.sub(i32x4.add(normal, i32x4.splat(1 << 23)), f32x4.splat(SMALLEST_NORMAL));
  const isSmall = i32x4.lt_u(magnitude, i32x4.splat(1 << 23));
  const sign = i32x4.shl(v128.and(halves, i32x4.splat(0x8000)), 16);
  return v128.or(v128.bitselect(small, normal, isSmall), sign);
}

export function widenF16(from: usize, count: i32, to: usize): void {
  for (let i = 0; i < count; i += 8) {
    const halves = v128.load(from + 2 * i);
    v128.store(to + 4 * i, halvesToF32(i32x4.extend_low_i16x8_u(halves)));
    v128.store(to + 4 * i, halvesToF32(i32x4.extend_high_i16x8_u(halves)), 16);
  }
}

export function widenBf16(from: usize, count: i32, to: usize): void {
  const zero = i32x4.splat(0);
  for (let i = 0; i < count; i += 8) {
    const halves = v128.load(from + 2 * i);
    v128.store(to + 4 * i, v128.shuffle<u16>(zero, halves, 0, 8, 1, 9, 2, 10, 3, 11));
    v128.store(to + 4 * i, v128.shuffle<u16>(zero, halves, 4, 12, 5, 13, 6, 14, 7, 15), 16);
  }
}
