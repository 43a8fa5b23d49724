/** The rate finder's mathematics: on a parabola, whose stable rates are known, and on curves counted by hand. */
import { describe, expect, it } from 'vitest';
import { expectClose } from '../../test-support/checks/expectClose.ts';
import { Random } from '../../src-shared/random.ts';
import { rateAt, sweepRates } from './rateCurve.ts';
import { judgeGrid, proposeRate, ratesAround } from './rateProposal.ts';

const RANGE = { from: 1e-6, to: 1, steps: 100 };

/** Gradient descent on L/2 x^2 from x = 1: the loss before each step. */
function parabola(L: number): (rate: number) => number {
  let x = 1;
  return (rate) => {
    const loss = (L / 2) * x * x;
    x -= rate * L * x;
    return loss;
  };
}

it('rates rise by the same factor from the lowest to the highest', () => {
  const range = { from: 1e-4, to: 1e-1, steps: 4 };
  expectClose(
    [0, 1, 2, 3].map((step) => rateAt(range, step)),
    [1e-4, 1e-3, 1e-2, 1e-1],
    { rtol: 1e-12, atol: 0 },
  );
});

it('smoothed losses are the bias-corrected averages worked out by hand', async () => {
  const losses = [4, 2, 6];
  const { smoothed } = await sweepRates({ ...RANGE, steps: 3 }, async (step) => losses[step]!);
  // m: 0.4, 0.56, 1.104; weights 1 - 0.9^t: 0.1, 0.19, 0.271
  expectClose(smoothed, [4, 0.56 / 0.19, 1.104 / 0.271], { rtol: 1e-12, atol: 0 });
});

describe.each([4, 40, 2000])('a parabola of curvature %d', (L) => {
  const sweep = () => {
    const descend = parabola(L);
    return sweepRates(RANGE, async (step) => descend(rateAt(RANGE, step)));
  };
  const lossAfter = (rate: number, steps: number): number => {
    const descend = parabola(L);
    return Array.from({ length: steps + 1 }, () => descend(rate)).at(-1)!;
  };

  it('breaks above 2 / L, where descent diverges; the proposal lies below, where it converges', async () => {
    const curve = await sweep();
    const { proposal, reason } = proposeRate(curve);
    expect(proposal).not.toBeNull();
    expect(proposal!).toBeLessThan(2 / L);
    expect(proposal!).toBeGreaterThan(0.02 / L);
    expect(lossAfter(proposal!, 200)).toBeLessThan((0.01 * L) / 2);
    if (curve.stoppedAt === null) return; // the highest rate is too low to break it
    expect(curve.stoppedAt).toBeGreaterThan(2 / L);
    expect(lossAfter(curve.stoppedAt, 200)).toBeGreaterThan((100 * L) / 2);
    expect(reason).toMatch(/breaks at/);
  });
});

/** Losses that differ from batch to batch around `level`. */
function noisy(level: (step: number) => number, seed = 1): (step: number) => Promise<number> {
  const noise = new Random(seed).normal(RANGE.steps, 0.1);
  return async (step) => level(step) + noise[step]!;
}

it.each([1, 2, 3, 4, 5, 6])('a curve that only differs from batch to batch gives no rate (seed %d)', async (seed) => {
  const { proposal, reason } = proposeRate(
    await sweepRates(
      RANGE,
      noisy(() => 3, seed),
    ),
  );
  expect(proposal).toBeNull();
  expect(reason).toMatch(/gives no rate; search up to a higher one/);
});

it('a curve that only breaks gives none either, and says where it broke', async () => {
  const curve = await sweepRates(
    RANGE,
    noisy((step) => (step < 60 ? 3 : 3 + 2 * (step - 60))),
  );
  expect(curve.stoppedAt).not.toBeNull();
  expect(curve.rates.length).toBeLessThan(RANGE.steps);
  const { proposal, reason } = proposeRate(curve);
  expect(proposal).toBeNull();
  expect(reason).toMatch(/before it breaks at 5e-3, so the curve gives no rate; start from a lower one/);
});

it('a fall without a break is proposed with its range', async () => {
  // Falls from 4 to 1 between step 50 (1e-3) and 83 (1e-1), and stays there.
  const curve = await sweepRates(
    RANGE,
    noisy((step) => 4 - 3 * Math.min(1, Math.max(0, (step - 49.5) / 33))),
  );
  const { proposal, reason } = proposeRate(curve);
  expect(proposal!).toBeGreaterThanOrEqual(1e-3);
  expect(proposal!).toBeLessThanOrEqual(1e-1);
  expect(reason).toMatch(/does not break up to 1e\+0/);
});

it('a loss that is not finite ends the search', async () => {
  const curve = await sweepRates(RANGE, async (step) => (step < 7 ? 2 : null));
  expect(curve.losses).toEqual([2, 2, 2, 2, 2, 2, 2, null]);
  expectClose([curve.stoppedAt!], [rateAt(RANGE, 7)], { rtol: 1e-12, atol: 0 });
  const first = await sweepRates(RANGE, async () => null);
  expect(proposeRate(first)).toEqual({
    proposal: null,
    reason: expect.stringMatching(/very first loss is not finite/),
  });
});

it('the best short run is the lowest below the untrained loss; an end of the range is said to be one', () => {
  expect(ratesAround(3e-3)).toEqual([3e-4, 9e-4, 3e-3, 9e-3, 3e-2]);
  const runs = (...losses: (number | null)[]) => losses.map((valLoss, i) => ({ lr: 10 ** (i - 4), valLoss }));
  expect(judgeGrid(runs(2, 1, 1.5, null), 3)).toEqual({
    best: 1e-3,
    reason: 'The short run at 1e-3 ends with the lowest validation loss.',
  });
  expect(judgeGrid(runs(2, 1, 0.5), 3)).toMatchObject({ best: 1e-2, reason: expect.stringMatching(/highest tried/) });
  expect(judgeGrid(runs(1, 2, null), 3)).toMatchObject({ best: 1e-4, reason: expect.stringMatching(/lowest tried/) });
  expect(judgeGrid(runs(4, 5, null), 3)).toMatchObject({ best: null, reason: expect.stringMatching(/No short run/) });
});
