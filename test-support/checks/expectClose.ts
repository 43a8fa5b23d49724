/** |got - want| <= atol + rtol |want| for every element; NaN or Inf must match exactly. */
export function expectClose(
  got: ArrayLike<number>,
  want: ArrayLike<number>,
  { rtol, atol }: { rtol: number; atol: number },
  label = 'values',
): void {
  if (got.length !== want.length) throw new Error(`${label}: ${got.length} values, wanted ${want.length}`);
  let worst = 0;
  let worstAt = -1;
  for (let i = 0; i < got.length; i++) {
    const g = got[i]!;
    const w = want[i]!;
    if (Object.is(g, w) || g === w) continue;
    const excess = Math.abs(g - w) / (atol + rtol * Math.abs(w));
    if (!(excess <= worst)) {
      worst = Number.isNaN(excess) ? Infinity : excess;
      worstAt = i;
    }
  }
  if (worst > 1) {
    throw new Error(
      `${label}: element ${worstAt} is ${got[worstAt]}, wanted ${want[worstAt]} (${worst.toPrecision(3)} times ` +
        `the tolerance rtol ${rtol}, atol ${atol})`,
    );
  }
}

/** Largest |got - want|; NaN when either holds a NaN. */
export function maxAbsDifference(got: ArrayLike<number>, want: ArrayLike<number>): number {
  let worst = 0;
  for (let i = 0; i < Math.max(got.length, want.length); i++) {
    const d = Math.abs(got[i]! - want[i]!);
    if (Number.isNaN(d)) return NaN;
    if (d > worst) worst = d;
  }
  return worst;
}
