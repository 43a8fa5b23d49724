/** Length statistics of tokenised examples, for choosing a maximum length. */
import type { LengthStats } from '../../src-shared/tokens.ts';
import type { TokenisedExample } from './types.ts';

const BUCKETS = 20;

/** Percentiles are nearest-rank; all zeros for no rows. */
export function lengthStats(
  examples: readonly Pick<TokenisedExample, 'ids' | 'labelled' | 'fullLength' | 'truncated'>[],
): LengthStats {
  const total = (values: number[]): number => values.reduce((sum, value) => sum + value, 0);
  return statsOf({
    fullLengths: Float64Array.from(examples, (example) => example.fullLength),
    tokens: total(examples.map((example) => example.ids.length)),
    labelledTokens: total(examples.map((example) => example.labelled)),
    truncated: examples.filter((example) => example.truncated).length,
  });
}

interface CountedLengths extends Pick<LengthStats, 'tokens' | 'labelledTokens' | 'truncated'> {
  /** Tokens of each row before truncation; sorted here. */
  fullLengths: Float64Array;
}

/** The same from what was counted row by row. */
export function statsOf({ fullLengths, tokens, labelledTokens, truncated }: CountedLengths): LengthStats {
  const lengths = fullLengths.sort();
  const percentile = (share: number): number => lengths[Math.max(0, Math.ceil(share * lengths.length) - 1)] ?? 0;
  return {
    rows: lengths.length,
    tokens,
    labelledTokens,
    min: lengths[0] ?? 0,
    median: percentile(0.5),
    mean: lengths.length === 0 ? 0 : lengths.reduce((sum, length) => sum + length, 0) / lengths.length,
    p90: percentile(0.9),
    p95: percentile(0.95),
    max: lengths.at(-1) ?? 0,
    truncated,
    histogram: histogram(lengths),
  };
}

function histogram(lengths: Float64Array): LengthStats['histogram'] {
  const [min, max] = [lengths[0], lengths.at(-1)];
  if (min === undefined || max === undefined) return [];
  const width = Math.max(1, Math.ceil((max - min + 1) / BUCKETS));
  const count = Math.floor((max - min) / width) + 1;
  const buckets = Array.from({ length: count }, (_, i) => ({
    from: min + i * width,
    to: min + (i + 1) * width - 1,
    rows: 0,
  }));
  for (const length of lengths) buckets[Math.floor((length - min) / width)]!.rows++;
  return buckets;
}
