/**
 * Successive halving (Jamieson & Talwalkar 2016; one bracket of Hyperband, Li et al. 2018, with eta = 2): after a
 * quarter and after half of the steps the worse half of the variants ends. Off unless asked for: a variant that learns
 * slowly at first is ended though it might have won.
 */
import { spreadOf, type Losses } from './compare.ts';

/**
 * The steps after which variants are pruned, and the steps between evaluations with which each is one. Null where a
 * run of `steps` is too short.
 */
export function rungsOf(steps: number, evalEvery: number): { rungs: number[]; evalEvery: number } | null {
  const quarter = Math.floor(steps / 4);
  if (quarter < 1) return null;
  const every = evalEvery > 0 && evalEvery <= quarter ? evalEvery : quarter;
  const rungs = [quarter, Math.floor(steps / 2)].map((step) => Math.floor(step / every) * every);
  return { rungs: [...new Set(rungs)], evalEvery: every };
}

/**
 * Which of these variants are pruned, given their losses at a rung by seed: all but the better half, rounded up. One
 * without a loss for each seed ranks last; of equal ones the later goes.
 */
export function prunedAt(atRung: Losses[], seeds: number): number[] {
  const mean = (losses: Losses): number =>
    losses.size === seeds ? spreadOf([...losses.values()])!.mean : Number.POSITIVE_INFINITY;
  const order = atRung.map((losses, i) => ({ i, mean: mean(losses) }));
  order.sort((a, b) => (a.mean === b.mean ? a.i - b.i : a.mean - b.mean));
  return order
    .slice(Math.ceil(atRung.length / 2))
    .map(({ i }) => i)
    .sort((a, b) => a - b);
}
