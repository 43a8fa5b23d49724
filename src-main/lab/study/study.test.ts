import { describe, expect, it } from 'vitest';
import { expectClose } from '../../../test-support/checks/expectClose.ts';
import { bestOf, compareVariants, pairedDifference, relationOf, spreadOf } from './compare.ts';
import { prunedAt, rungsOf } from './halving.ts';
import { studentTCdf, studentTQuantile } from './studentT.ts';
import { verdictOf } from './verdict.ts';

const runs = (...losses: number[]): Map<number, number> => new Map(losses.map((loss, seed) => [seed, loss]));

describe("Student's t", () => {
  it('has the quantiles of scipy.stats.t.ppf', () => {
    const want: [number, number, number][] = [
      [0.975, 1, 12.706204736174694],
      [0.975, 2, 4.302652729749462],
      [0.975, 3, 3.1824463052837078],
      [0.975, 4, 2.7764451051977934],
      [0.975, 7, 2.364624251592784],
      [0.975, 9, 2.262157162798205],
      [0.975, 29, 2.045229642132703],
      [0.975, 100, 1.9839715185235518],
      [0.9, 5, 1.4758840488244815],
    ];
    for (const [p, df, t] of want) {
      expectClose([studentTQuantile(p, df)], [t], { rtol: 1e-9, atol: 0 });
      expectClose([studentTCdf(t, df)], [p], { rtol: 1e-12, atol: 0 });
    }
    expect(studentTCdf(0, 4)).toBe(0.5);
  });
});

describe('differences', () => {
  const [a, b] = [runs(0.91, 0.935, 0.902), runs(0.905, 0.925, 0.906)];

  it('mean, spread and interval are those of NumPy and scipy.stats.ttest_rel', () => {
    const spread = spreadOf([...a.values()])!;
    expectClose([spread.mean, spread.sd!], [0.9156666666666667, 0.01721433511156716], { rtol: 1e-12, atol: 0 });
    const { n, mean, sd, halfWidth } = pairedDifference(a, b)!;
    expect(n).toBe(3);
    expectClose(
      [mean, sd!, mean - halfWidth!, mean + halfWidth!],
      [0.00366666666666667, 0.007094598884597594, -0.013957293972304037, 0.021290627305637376],
      { rtol: 1e-9, atol: 0 },
    );
  });

  it('pair runs by their seed, not by their place, and need two pairs for an interval', () => {
    const shuffled = new Map([...b].reverse());
    expect(pairedDifference(a, shuffled)!.sd).toBeCloseTo(0.0070946, 6);
    expect(pairedDifference(new Map([[1, 0.5]]), b)).toEqual({ n: 1, mean: 0.5 - 0.925, sd: null, halfWidth: null });
    expect(pairedDifference(new Map([[7, 0.5]]), b)).toBeNull();
    expect(spreadOf([])).toBeNull();
  });

  it.each([
    ['as good', 0.004, 0.005],
    ['as good', 0.006, 0.003],
    ['undecided', 0.004, 0.007],
    ['worse', 0.02, 0.015],
    ['better', -0.02, 0.015],
    ['undecided', 0.1, null],
  ])('are "%s" at %f ± %f with a margin of 0.01', (relation, mean, halfWidth) => {
    expect(relationOf({ n: 3, mean, sd: 0, halfWidth }, 0.01)).toBe(relation);
  });

  it('leave out a variant that lacks a seed, which can be the best of none', () => {
    const half = new Map([[0, 0.1]]);
    expect(bestOf([half, a, b], 3)).toBe(2);
    expect(bestOf([half], 3)).toBeNull();
    const [first, second, third] = compareVariants([half, a, b], 3, 2);
    expect(first).toEqual({ loss: { n: 1, mean: 0.1, sd: null }, difference: null, relation: null });
    // The interval reaches 0.021, the margin is 0.0091.
    expect(second!.relation).toBe('undecided');
    expect(third).toMatchObject({ difference: null, relation: 'reference' });
  });
});

describe('the verdict', () => {
  const judged = (label: string, parameters: number, ...losses: number[]) => ({
    label,
    parameters,
    losses: runs(...losses),
  });

  it('prefers the smallest that is as good as the best', () => {
    // Differences 0.006, 0.004, 0.002: mean 0.004, sd 0.002, interval 4.3027 * 0.002 / sqrt(3) = 0.00497.
    const variants = [
      judged('r = 16 on q, k, v, o', 4000, 1.08, 1.09, 1.1),
      judged('r = 4 on q, k, v, o', 1000, 1.086, 1.094, 1.102),
      judged('r = 8 on q, k, v, o', 2000, 1.081, 1.091, 1.101),
      judged('r = 1 on q, k, v, o', 250, 1.58, 1.6, 1.61),
    ];
    expect(verdictOf(variants, 3)).toBe(
      'r = 4 on q, k, v, o is as good as r = 16 on q, k, v, o, at a quarter of the size; difference 0.004 ± 0.005 ' +
        'over 3 seeds.',
    );
  });

  it('says by how much all others are worse', () => {
    const variants = [judged('r = 1', 1, 1.5, 1.52), judged('r = 8', 8, 1, 1.01), judged('r = 4', 4, 1.2, 1.212)];
    // 0.2 and 0.202: mean 0.201, sd 0.001414, 12.706 * 0.001414 / sqrt(2) = 0.0127.
    expect(verdictOf(variants, 2)).toBe(
      'r = 8 has the lowest validation loss, 1.005; all others are worse, the next, r = 4, by 0.201 ± 0.013 over ' +
        '2 seeds.',
    );
    expect(verdictOf(variants.slice(1), 2)).toBe(
      'r = 8 has the lowest validation loss, 1.005; r = 4 is worse, by 0.201 ± 0.013 over 2 seeds.',
    );
  });

  it('leaves open what the spread leaves open', () => {
    const variants = [
      judged('r = 7 on q', 100, 1, 1.02, 0.98),
      judged('r = 4 on q, v', 101, 1.03, 1.01, 1.02),
      judged('r = 2 on all', 99, 1.001, 1.022, 0.981),
      judged('r = 3 on v', 100, 1.9, 1.9, 1.9),
    ];
    expect(verdictOf(variants, 3)).toBe(
      'r = 7 on q has the lowest validation loss, 1.000; r = 2 on all is as good (within 1 % over 3 seeds); whether ' +
        'r = 4 on q, v is worse is open (0.020 ± 0.066 over 3 seeds), more seeds would tell.',
    );
  });

  it('of one seed warns, of one variant or none says nothing', () => {
    const variants = [judged('lr 0.001', 1, 0.9), judged('lr 0.01', 1, 0.8)];
    expect(verdictOf(variants, 1)).toBe(
      'lr 0.01 has the lowest validation loss, 0.800, the next, lr 0.001, 0.900; with one seed that may be chance, ' +
        'so run more seeds.',
    );
    expect(verdictOf(variants.slice(1), 1)).toBeNull();
    expect(verdictOf(variants, 2)).toBeNull();
  });
});

describe('halving', () => {
  it('sets its rungs on evaluations, a quarter and half of the way', () => {
    expect(rungsOf(300, 0)).toEqual({ rungs: [75, 150], evalEvery: 75 });
    expect(rungsOf(300, 20)).toEqual({ rungs: [60, 140], evalEvery: 20 });
    expect(rungsOf(300, 100)).toEqual({ rungs: [75, 150], evalEvery: 75 });
    expect(rungsOf(10, 0)).toEqual({ rungs: [2, 4], evalEvery: 2 });
    expect(rungsOf(3, 0)).toBeNull();
  });

  it('ends the worse half, first those without a loss for each seed', () => {
    expect(prunedAt([runs(1, 2), runs(0.5, 0.7), runs(3, 0), runs(2, 2)], 2)).toEqual([2, 3]);
    expect(prunedAt([runs(1, 1), runs(1, 1), runs(1, 1)], 2)).toEqual([2]);
    expect(prunedAt([runs(1, 1), runs(0), runs(0, 0)], 2)).toEqual([1]);
    expect(prunedAt([runs(1)], 1)).toEqual([]);
  });
});
