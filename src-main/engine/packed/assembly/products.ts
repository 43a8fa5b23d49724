/** Products of a few rows of x with rows of W, `rows` of C float32 at `w`, that are still in the cache. */

/** y[n][r] += x[n]·w[r]. x: N rows of C; y: N rows, `stride` float32 apart, from the column of w's first row on. */
export function dotRows(w: usize, C: i32, rows: i32, x: usize, N: i32, y: usize, stride: i32): void {
  for (let r = 0; r < rows; r++)
    for (let n = 0; n < N; n++) {
      const at = y + 4 * (n * stride + r);
      f32.store(at, f32.load(at) + dot(w + 4 * r * C, x + 4 * n * C, C));
    }
}

function dot(a: usize, b: usize, C: i32): f32 {
  const wide = C & ~15;
  let sum0 = f32x4.splat(0);
  let sum1 = f32x4.splat(0);
  let sum2 = f32x4.splat(0);
  let sum3 = f32x4.splat(0);
  for (let c = 0; c < wide; c += 16) {
    sum0 = f32x4.add(sum0, f32x4.mul(v128.load(a + 4 * c), v128.load(b + 4 * c)));
    sum1 = f32x4.add(sum1, f32x4.mul(v128.load(a + 4 * c, 16), v128.load(b + 4 * c, 16)));
    sum2 = f32x4.add(sum2, f32x4.mul(v128.load(a + 4 * c, 32), v128.load(b + 4 * c, 32)));
    sum3 = f32x4.add(sum3, f32x4.mul(v128.load(a + 4 * c, 48), v128.load(b + 4 * c, 48)));
  }
  const sums = f32x4.add(f32x4.add(sum0, sum1), f32x4.add(sum2, sum3));
  let sum = f32x4.extract_lane(sums, 0) + f32x4.extract_lane(sums, 1);
  sum += f32x4.extract_lane(sums, 2) + f32x4.extract_lane(sums, 3);
  for (let c = wide; c < C; c++) sum += f32.load(a + 4 * c) * f32.load(b + 4 * c);
  return sum;
}

/** y[n] += Σ x[n][r] w[r] over the rows of w. x: N rows, `stride` float32 apart, from w's first row on; y: N rows of C. */
export function addRows(w: usize, C: i32, rows: i32, x: usize, N: i32, stride: i32, y: usize): void {
  const whole = rows & ~3;
  for (let n = 0; n < N; n++) {
    const factors = x + 4 * n * stride;
    const to = y + 4 * n * C;
    for (let r = 0; r < whole; r += 4) addFour(w + 4 * r * C, C, factors + 4 * r, to);
    for (let r = whole; r < rows; r++)
      for (let c = 0; c < C; c++) {
        const at = to + 4 * c;
        f32.store(at, f32.load(at) + f32.load(factors + 4 * r) * f32.load(w + 4 * (r * C + c)));
      }
  }
}

function addFour(w: usize, C: i32, factors: usize, to: usize): void {
  const row = 4 * C;
  const a = v128.load32_splat(factors);
  const b = v128.load32_splat(factors, 4);
  const c = v128.load32_splat(factors, 8);
  const d = v128.load32_splat(factors, 12);
  const wide = C & ~3;
  for (let i = 0; i < wide; i += 4) {
    const from = w + 4 * i;
    const ab = f32x4.add(f32x4.mul(a, v128.load(from)), f32x4.mul(b, v128.load(from + row)));
    const cd = f32x4.add(f32x4.mul(c, v128.load(from + 2 * row)), f32x4.mul(d, v128.load(from + 3 * row)));
    v128.store(to + 4 * i, f32x4.add(v128.load(to + 4 * i), f32x4.add(ab, cd)));
  }
  for (let i = wide; i < C; i++) {
    let sum = f32.load(to + 4 * i);
    for (let r = 0; r < 4; r++) sum += f32.load(factors + 4 * r) * f32.load(w + 4 * (r * C + i));
    f32.store(to + 4 * i, sum);
  }
}
