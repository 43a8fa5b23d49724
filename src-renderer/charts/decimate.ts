/** Fewer points, same picture: each pixel column keeps only the points that show. */

/**
 * Indices into `y`, ascending, of what must be drawn of y[from..to): its first and last value, the lowest and the
 * highest of each of `buckets` equal spans of x, and the first gap (a value that is not a number) in it. Everything
 * where there is not more than that to draw.
 */
export function decimate(x: Float64Array, y: Float64Array, from: number, to: number, buckets: number): number[] {
  const count = to - from;
  if (count <= buckets * 2) return Array.from({ length: Math.max(count, 0) }, (_, i) => from + i);
  const start = x[from] ?? 0;
  const perX = buckets / ((x[to - 1] ?? 0) - start || 1);
  const kept: number[] = [from];
  let bucket = 0;
  let first = from;
  for (let i = from; i <= to; i++) {
    const at = i === to ? -1 : Math.min(buckets - 1, Math.floor(((x[i] ?? 0) - start) * perX));
    if (at === bucket) continue;
    keepOf(y, first, i, kept);
    bucket = at;
    first = i;
  }
  if (kept.at(-1) !== to - 1) kept.push(to - 1);
  return kept;
}

/** One for all columns: thousands of arrays a drawing would keep the collector busy. */
const seen = new Int32Array(3);

/** The visible points of one pixel column. */
function keepOf(y: Float64Array, from: number, to: number, kept: number[]): void {
  if (from >= to) return;
  let lowest = -1;
  let highest = -1;
  let gap = -1;
  for (let i = from; i < to; i++) {
    const value = y[i] ?? NaN;
    if (Number.isNaN(value)) {
      if (gap < 0) gap = i;
      continue;
    }
    if (lowest < 0 || value < (y[lowest] ?? 0)) lowest = i;
    if (highest < 0 || value > (y[highest] ?? 0)) highest = i;
  }
  seen.set([lowest, highest, gap]);
  seen.sort();
  for (const index of seen) if (index >= 0 && index !== kept.at(-1)) kept.push(index);
}
