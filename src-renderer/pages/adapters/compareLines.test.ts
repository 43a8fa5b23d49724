import { expect, it } from 'vitest';
import { lossLines } from '../../charts/lines.ts';
import { SeriesStore } from '../../charts/seriesStore.ts';
import { usualSmoothing } from '../../charts/smooth.ts';
import { distinctNames } from '../../charts/compared.ts';
import { StepPlaces } from '../../charts/xAxis.ts';
import { compareLines } from './compareLines.ts';

it('adapters of one name are told apart by their time, and of one time by a number', () => {
  const at = (name: string, createdAt: string) => ({ name, createdAt });
  const names = distinctNames([
    at('a', '2026-01-01T10:00:00'),
    at('b', '2026-01-01T10:00:00'),
    at('a', '2026-01-01T11:00:00'),
    at('a', '2026-01-01T11:00:30'),
  ]);
  expect(names[1]).toBe('b');
  expect(names[0]).toMatch(/^a, .*10:00$/);
  expect(names[2]).toMatch(/^a, .*11:00 \(1\)$/);
  expect(names[3]).toMatch(/^a, .*11:00 \(2\)$/);
});

/** A run whose loss falls from 8 to about 1. */
function run(steps: number, beta: number): SeriesStore {
  const store = new SeriesStore(beta);
  const rest = { lr: 0, gradNorm: 1, tokensPerSecond: 1, memoryBytes: 1, elapsedMs: 1 };
  for (let step = 1; step <= steps; step++)
    store.append({ step, loss: 1 + 7 * Math.exp((-5 * step) / steps) + 0.1 * Math.sin(step * 12.9898), ...rest });
  store.putEvaluation(steps, 1.5);
  return store;
}

it('the losses compared are those of the run pages: same values, same smoothing', () => {
  const stores = [run(50, 0.6), run(10, 0)];
  const adapters = ['a', 'b'].map((name) => ({ name, createdAt: '2026-01-01T10:00:00' }));
  const lines = compareLines(adapters.map((adapter, i) => ({ adapter, store: stores[i]! })));
  expect(lines.map(({ label }) => label)).toEqual(['a', 'a, validation', 'b', 'b, validation']);
  expect(lines[0]!.values).toEqual(
    lossLines(stores[0]!, [], new StepPlaces(stores[0]!, 'step', 1)).find(({ look }) => look === 'smooth')!.values,
  );
  expect(lines[2]!.values).toEqual(stores[1]!.columns.loss.values); // unsmoothed: the losses themselves
});

it.each([10, 20, 50, 200, 2000])(
  'the usual smoothing of %d steps lies among the points, not above them all',
  (steps) => {
    const store = run(steps, usualSmoothing(steps));
    const [losses, smoothed] = [store.columns.loss.values, store.smoothed.values];
    expect(smoothed[0]).toBe(losses[0]);
    const window = Math.max(2, Math.ceil(steps / 5));
    for (let at = window; at < steps; at++) {
      const near = losses.subarray(at - window, at + 1);
      expect(smoothed[at]).toBeLessThanOrEqual(Math.max(...near));
      expect(smoothed[at]).toBeGreaterThanOrEqual(Math.min(...near));
    }
    // With the 90 % of before, the mean of 50 steps lay above all of the last fifth.
    if (steps === 50) expect(run(50, 0.9).smoothed.last!).toBeGreaterThan(Math.max(...losses.subarray(40)));
  },
);
