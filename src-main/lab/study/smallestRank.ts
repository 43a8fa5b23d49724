/** The smallest rank that is enough, of a study of ranks. */

export interface RankLoss {
  rank: number;
  /** Mean over seeds of the best validation losses. */
  loss: number;
}

/** The smallest rank whose loss is within this share of the lowest one; null without any. */
export function smallestRank(ranks: RankLoss[], within: number): RankLoss | null {
  const lowest = Math.min(...ranks.map(({ loss }) => loss));
  const enough = ranks.filter(({ loss }) => loss <= (1 + within) * lowest);
  return enough.sort((a, b) => a.rank - b.rank)[0] ?? null;
}
