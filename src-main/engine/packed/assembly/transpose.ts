/** Rows as columns. */

/** `rows` rows of C float32, one after the other at `from`, as columns, `stride` float32 apart, from `to` on. */
export function transposeRows(from: usize, C: i32, rows: i32, to: usize, stride: i32): void {
  const whole = rows & ~3;
  const wide = C & ~3;
  for (let c = 0; c < wide; c += 4)
    for (let r = 0; r < whole; r += 4) transpose4(from + 4 * (r * C + c), 4 * C, to + 4 * (c * stride + r), 4 * stride);
  for (let c = 0; c < C; c++)
    for (let r = c < wide ? whole : 0; r < rows; r++)
      f32.store(to + 4 * (c * stride + r), f32.load(from + 4 * (r * C + c)));
}

/** 4 x 4 values; steps in bytes. */
// @ts-ignore: decorator
@inline
function transpose4(from: usize, fromStep: usize, to: usize, toStep: usize): void {
  const a = v128.load(from);
  const b = v128.load(from + fromStep);
  const c = v128.load(from + 2 * fromStep);
  const d = v128.load(from + 3 * fromStep);
  const abLow = v128.shuffle<u32>(a, b, 0, 4, 1, 5);
  const abHigh = v128.shuffle<u32>(a, b, 2, 6, 3, 7);
  const cdLow = v128.shuffle<u32>(c, d, 0, 4, 1, 5);
  const cdHigh = v128.shuffle<u32>(c, d, 2, 6, 3, 7);
  v128.store(to, v128.shuffle<u64>(abLow, cdLow, 0, 2));
  v128.store(to + toStep, v128.shuffle<u64>(abLow, cdLow, 1, 3));
  v128.store(to + 2 * toStep, v128.shuffle<u64>(abHigh, cdHigh, 0, 2));
  v128.store(to + 3 * toStep, v128.shuffle<u64>(abHigh, cdHigh, 1, 3));
}
