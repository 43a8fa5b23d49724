/** The rule against a quadratic whose best allocation is known, and against every allocation of a small case. */
import { expect, it } from 'vitest';
import { Random } from '../../src-shared/random.ts';
import { allocateRanks, type Candidate } from './allocate.ts';

const candidate = (inFeatures: number, outFeatures: number, singularValues: number[]): Candidate => ({
  inFeatures,
  outFeatures,
  singularValues,
  squaredNorm: singularValues.reduce((sum, s) => sum + s * s, 0),
});

/**
 * L = sum over matrices of ||W - T||_F^2 / 2 from W = 0: the gradient is -T, and what rank r can reach of T is the sum
 * of its r largest s^2 / 2 (Eckart & Young). With T1 = diag(5, 1) and T2 = diag(4, 3) two ranks lower L most by 25/2 +
 * 16/2, three by another 9/2, four by the last 1/2.
 */
it('of a quadratic is the best allocation', () => {
  const matrices = [candidate(2, 2, [5, 1]), candidate(2, 2, [4, 3])];
  const ranksFor = (budget: number) => allocateRanks(matrices, budget, 'energy');
  expect(ranksFor(4)).toEqual({ ranks: [1, 0], used: 4 });
  expect(ranksFor(8)).toEqual({ ranks: [1, 1], used: 8 });
  expect(ranksFor(12)).toEqual({ ranks: [1, 2], used: 12 });
  expect(ranksFor(100)).toEqual({ ranks: [2, 2], used: 16 });
});

it('is per value: a wide matrix has to gain more', () => {
  // 9 / 10 per value against 4 / 4 and 1 / 4.
  const matrices = [candidate(8, 2, [3]), candidate(2, 2, [2, 1])];
  expect(allocateRanks(matrices, 4, 'energy').ranks).toEqual([0, 1]);
  expect(allocateRanks(matrices, 14, 'energy').ranks).toEqual([1, 1]);
  // s alone: 3 / 10 against 2 / 4 and 1 / 4; shares: 1 / 10 against 0.8 / 4 and 0.2 / 4.
  expect(allocateRanks(matrices, 8, 'nuclear').ranks).toEqual([0, 2]);
  expect(allocateRanks(matrices, 14, 'share').ranks).toEqual([1, 1]);
});

it('of matrices of one size gains as much as the best of all allocations', () => {
  const random = new Random(5);
  for (let round = 0; round < 20; round++) {
    const matrices = [0, 1, 2].map(() =>
      candidate(
        3,
        3,
        [0, 1, 2].map(() => random.uniform()).sort((a, b) => b - a),
      ),
    );
    const gain = (ranks: number[]) =>
      ranks.reduce(
        (sum, rank, i) =>
          sum +
          Array.from(matrices[i]!.singularValues)
            .slice(0, rank)
            .reduce((a, s) => a + s * s, 0),
        0,
      );
    let best = 0;
    for (let a = 0; a <= 3; a++)
      for (let b = 0; b <= 3; b++)
        for (let c = 0; c <= 3; c++) if (a + b + c <= 4) best = Math.max(best, gain([a, b, c]));
    expect(gain(allocateRanks(matrices, 24, 'energy').ranks)).toBeCloseTo(best, 12);
  }
});

it('gives nothing to a matrix without a gradient', () => {
  expect(allocateRanks([candidate(2, 2, [0, 0]), candidate(2, 2, [1, 0])], 100, 'energy')).toEqual({
    ranks: [0, 1],
    used: 4,
  });
});
