/** Row lengths as bars of a histogram, and what a maximum length cuts. */
export interface LengthBin {
  from: number;
  /** Not included. */
  to: number;
  rows: number;
}

const BARS = 40;

/** About forty bars of equal, round width from 0 on; none for no rows. */
export function lengthBins(lengths: readonly (readonly [length: number, rows: number])[]): LengthBin[] {
  const longest = lengths.at(-1)?.[0];
  if (longest === undefined) return [];
  const width = roundUp((longest + 1) / BARS);
  const bins = Array.from({ length: Math.floor(longest / width) + 1 }, (_, i) => ({
    from: i * width,
    to: (i + 1) * width,
    rows: 0,
  }));
  for (const [length, rows] of lengths) bins[Math.floor(length / width)]!.rows += rows;
  return bins;
}

/** 1, 2 or 5 times a power of ten, and at least 1. */
function roundUp(width: number): number {
  const power = 10 ** Math.floor(Math.log10(Math.max(1, width)));
  return [1, 2, 5, 10].map((factor) => factor * power).find((candidate) => candidate >= width)!;
}

export interface LengthSummary {
  rows: number;
  median: number;
  /** 95 % of the rows are at most this long. */
  p95: number;
  longest: number;
  /** Rows longer than the maximum length. */
  cut: number;
  /** Rows with no token left to learn from. */
  unlabelled: number;
}

/** `prompts`: lengths of what comes before the first token with loss. */
export function lengthSummary(
  lengths: readonly (readonly [number, number])[],
  prompts: readonly (readonly [number, number])[],
  maxLength: number,
): LengthSummary {
  const rows = sumRows(lengths);
  const atShare = (share: number): number => {
    let seen = 0;
    for (const [length, count] of lengths) if ((seen += count) >= share * rows) return length;
    return 0;
  };
  return {
    rows,
    median: atShare(0.5),
    p95: atShare(0.95),
    longest: lengths.at(-1)?.[0] ?? 0,
    cut: sumRows(lengths.filter(([length]) => length > maxLength)),
    unlabelled: sumRows(prompts.filter(([length]) => length >= maxLength)),
  };
}

function sumRows(counts: readonly (readonly [number, number])[]): number {
  return counts.reduce((sum, [, rows]) => sum + rows, 0);
}
