/** Order statistics of a handful of timings. */
export interface Summary {
  count: number;
  /** The least of all: nearest to what an undisturbed machine does. */
  best: number;
  median: number;
  p90: number;
  /** (p90 - p10) / median: how far the middle 80% lie apart. */
  spread: number;
}

/** Quantile q in [0, 1], linear between neighbours. Throws RangeError without samples. */
export function quantile(samples: readonly number[], q: number): number {
  if (samples.length === 0) throw new RangeError('quantile: no samples');
  const sorted = [...samples].sort((a, b) => a - b);
  const place = q * (sorted.length - 1);
  const below = sorted[Math.floor(place)]!;
  return below + (sorted[Math.ceil(place)]! - below) * (place - Math.floor(place));
}

export function summarise(samples: readonly number[]): Summary {
  const median = quantile(samples, 0.5);
  const p90 = quantile(samples, 0.9);
  return {
    count: samples.length,
    best: quantile(samples, 0),
    median,
    p90,
    spread: (p90 - quantile(samples, 0.1)) / median,
  };
}
