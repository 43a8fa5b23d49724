/** The advisor on a tiny run: what it proposes keeps to the budget, and is a run that trains as many values. */
import { expect, it } from 'vitest';
import { tinyRun } from '../../../test-support/rigs/tinyRun.ts';
import { CallControl } from '../control.ts';
import { train } from '../train/train.ts';
import { labAdvise } from './advise.ts';

const silent = (): void => undefined;

it('keeps to a budget that is not that of the run, and its proposal trains as many values as it says', async () => {
  const spec = await tinyRun({ method: { targets: ['q', 'v', 'o', 'down'] }, train: { steps: 1 } });
  const { used, budget, method, matrices } = await labAdvise({ spec, budget: 150, rule: 'energy' }, silent);
  expect(budget).toBe(150);
  expect(used).toBeLessThanOrEqual(150);
  expect(used).toBeGreaterThan(100);
  expect(matrices.some(({ rank }) => rank === 0)).toBe(true);
  const [left] = matrices.filter(({ rank }) => rank === 0).map(({ singularValues }) => singularValues[0]!);
  expect(Math.max(...matrices.map(({ singularValues }) => singularValues[0]!))).toBeGreaterThan(left!);
  const result = await train({ ...spec, method }, false, silent, new CallControl());
  expect(result.trainableParameters).toBe(used);
});

it('refuses a budget without room for a rank, and a run that has ranks of its own', async () => {
  const spec = await tinyRun();
  await expect(labAdvise({ spec, budget: 3, rule: 'energy' }, silent)).rejects.toMatchObject({ code: 'LAB_BUDGET' });
  const own = await tinyRun({ method: { targets: ['q', 'v'], rankPattern: { q: 1 } } });
  await expect(labAdvise({ spec: own, rule: 'energy' }, silent)).rejects.toThrow(/without a rank pattern/);
});
