/**
 * Where ranks go within a budget of trained values. A rank of an (out, in) matrix costs in + out values. Its gain is
 * that of one more singular value of the first gradient, of which more ranks only get smaller ones, so that taking the
 * largest gain per value first is the best choice but for what is left over at the end.
 */
import type { AdviceRule } from '../../src-shared/lab.ts';

export interface Candidate {
  inFeatures: number;
  outFeatures: number;
  /** Of the first gradient, descending: as many as the ranks that the matrix may get. */
  singularValues: ArrayLike<number>;
  /** ||G||_F^2. */
  squaredNorm: number;
}

/**
 * energy: s^2, by how much a step of that direction along the gradient lowers the loss; nuclear: s, the same of a step
 * whose length does not depend on the gradient, as Adam's; share: s^2 / ||G||_F^2, whatever the matrix's own scale.
 */
const GAINS: Record<AdviceRule, (s: number, squaredNorm: number) => number> = {
  energy: (s) => s * s,
  nuclear: (s) => s,
  share: (s, squaredNorm) => (squaredNorm > 0 ? (s * s) / squaredNorm : 0),
};

/** Ranks of the candidates, in their order, and the values that they take: at most `budget`. */
export function allocateRanks(
  candidates: readonly Candidate[],
  budget: number,
  rule: AdviceRule,
): { ranks: number[]; used: number } {
  const ranks = candidates.map(() => 0);
  const steps = candidates.flatMap(({ inFeatures, outFeatures, singularValues, squaredNorm }, index) => {
    const cost = inFeatures + outFeatures;
    return Array.from(singularValues, (s) => ({ index, cost, perValue: GAINS[rule](s, squaredNorm) / cost }));
  });
  // Stable, so that of one matrix the larger values come first, and of equal ones the earlier matrix.
  steps.sort((a, b) => b.perValue - a.perValue);
  let used = 0;
  for (const { index, cost, perValue } of steps) {
    if (perValue <= 0 || used + cost > budget) continue;
    ranks[index]!++;
    used += cost;
  }
  return { ranks, used };
}
