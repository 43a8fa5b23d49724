/** The verdict on real runs of a tiny model: each ends in the way that its settings and rows lead to. */
import fs from 'node:fs';
import path from 'node:path';
import { describe, expect, it } from 'vitest';
import { hashOf, tinyRun } from '../../../test-support/rigs/tinyRun.ts';
import { verdictOf, type RunVerdict } from '../../../src-shared/verdict.ts';
import { CallControl } from '../control.ts';
import { train } from './train.ts';

const STARTER = path.resolve(import.meta.dirname, '../../../resources/starter');
const ALL = { targets: ['q', 'k', 'v', 'o', 'gate', 'up', 'down'], rank: 8, alpha: 16 };
const CONSTANT = { schedule: 'constant', evalEvery: 5 };

/** What is learnt of one row holds for the others. */
const alike = Array.from({ length: 40 }, (_, i) => JSON.stringify({ prompt: `row ${i}`, completion: ' ababab' }));
/** Three letters that nothing tells beforehand. */
const unlike = Array.from({ length: 20 }, (_, i) => {
  const letters = [7 * i + 3, 11 * i + 5, 5 * i + 1].map((n) => String.fromCharCode(97 + (n % 26)));
  return JSON.stringify({ prompt: `row ${i}`, completion: letters.join('') });
});

async function verdict(overrides: Parameters<typeof tinyRun>[0], modelDir?: string): Promise<RunVerdict | undefined> {
  const tiny = await tinyRun(overrides);
  const spec = modelDir === undefined ? tiny : { ...tiny, model: { dir: modelDir, hash: hashOf(modelDir) } };
  const trainLosses: number[] = [];
  const evaluations: { step: number; valLoss: number }[] = [];
  const { unchanged, skippedSteps, heldOut } = await train(
    spec,
    false,
    (event) => {
      if (event.type === 'step') trainLosses.push(event.loss);
      if (event.type === 'eval') evaluations.push({ step: event.step, valLoss: event.valLoss });
    },
    new CallControl(),
  );
  return verdictOf({ trainLosses, evaluations, unchanged, skippedSteps, heldOut });
}

describe('a run that', { timeout: 120_000 }, () => {
  it.each<[string, Parameters<typeof tinyRun>[0], RunVerdict['kind']]>([
    [
      'has next to no learning rate',
      { rows: alike, train: { ...CONSTANT, steps: 12, lr: 1e-8, val: 0.3 } },
      'learnt nothing',
    ],
    [
      'learns by heart what does not hold elsewhere',
      { rows: unlike, method: ALL, train: { ...CONSTANT, steps: 80, lr: 2e-2, val: 0.4 } },
      'overfits',
    ],
    [
      'ends while the loss falls',
      { rows: alike, train: { ...CONSTANT, steps: 20, lr: 3e-3, val: 0.3 } },
      'still improving',
    ],
    [
      'has learnt its pattern',
      { rows: alike, method: ALL, train: { steps: 60, lr: 2e-2, evalEvery: 5, val: 0.3 } },
      'done',
    ],
    [
      'ends while the loss falls, without rows held out',
      { rows: alike, train: { ...CONSTANT, steps: 20, lr: 3e-3, val: 0 } },
      'still improving',
    ],
  ])('%s', async (_, overrides, kind) => {
    const found = await verdict(overrides);
    expect(found, found?.seen).toMatchObject({ kind });
    if (kind === 'overfits') expect(found!.bestStep).toBeGreaterThan(0);
    if (kind === 'done')
      expect(found!.seen).toMatch(/ It is better than before on 8 of 8 held-out rows, worse on 0\.$/);
  });
});

it('a model that could write is worse after far too high a learning rate', { timeout: 120_000 }, async () => {
  const rows = fs.readFileSync(path.join(STARTER, 'data/describe.jsonl'), 'utf8').trim().split('\n').slice(0, 40);
  const train = { ...CONSTANT, steps: 15, lr: 1, clip: 0, val: 0.3 };
  const found = await verdict({ rows, method: ALL, train, data: { maxLength: 128 } }, path.join(STARTER, 'model'));
  expect(found, found?.seen).toMatchObject({ kind: 'diverged' });
});

it('says nothing of next to no steps, and names steps that were no numbers', () => {
  expect(verdictOf({ trainLosses: [], evaluations: [] })).toBeUndefined();
  expect(verdictOf({ trainLosses: [3, 2, 1], evaluations: [] })).toBeUndefined();
  const losses = Array.from({ length: 20 }, (_, i) => 3 - i / 10);
  expect(verdictOf({ trainLosses: losses, evaluations: [], skippedSteps: 8 })).toMatchObject({
    kind: 'diverged',
    seen: expect.stringContaining('8 of 28 steps') as string,
  });
});

describe('losses by themselves', () => {
  const falling = Array.from({ length: 100 }, (_, i) => Math.max(1, 5 - i / 5));
  const at = (...losses: [step: number, valLoss: number][]) => losses.map(([step, valLoss]) => ({ step, valLoss }));
  it.each<[string, Parameters<typeof verdictOf>[0], RunVerdict['kind'], RegExp]>([
    [
      'done long ago, evaluated at both ends',
      { trainLosses: falling, evaluations: at([0, 5], [100, 1]) },
      'done',
      /hardly/,
    ],
    [
      'a fall by 2 % at the end',
      { trainLosses: falling, evaluations: at([0, 5], [75, 1.02], [100, 1]) },
      'still improving',
      /by 2 %/,
    ],
    [
      'best before the first step',
      { trainLosses: falling, evaluations: at([0, 1], [50, 2], [100, 3]) },
      'overfits',
      /before the first/,
    ],
    [
      'both rise again',
      {
        trainLosses: [...falling.slice(0, 50), ...falling.slice(0, 50).reverse()],
        evaluations: at([0, 5], [50, 1], [100, 4.5]),
      },
      'diverged',
      /at step 50.*rose as well/,
    ],
    ['no number at the end', { trainLosses: falling, evaluations: at([0, 5], [100, NaN]) }, 'diverged', /no number/],
    [
      'skipped steps beside those that count',
      { trainLosses: falling.slice(0, 8), evaluations: [], skippedSteps: 4 },
      'diverged',
      /4 of 12/,
    ],
  ])('%s', (_, curves, kind, seen) => {
    const found = verdictOf(curves);
    expect(found).toMatchObject({ kind, seen: expect.stringMatching(seen) as string });
    if (kind === 'overfits') expect(found!.bestStep).toBeUndefined();
  });
});
