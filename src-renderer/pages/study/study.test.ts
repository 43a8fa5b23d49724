import { describe, expect, test } from 'vitest';
import type { AwayView } from '../../../src-shared/away.ts';
import type { StudyCell } from '../../lib/api.ts';
import { placesOf } from './places.ts';
import { ticksOf } from './ticks.ts';
import { differenceText, relationText, variantText, type Variant } from './words.ts';

describe('ticks', () => {
  test.each([
    [0.58, 0.71, 6, [0.6, 0.65, 0.7]],
    [0.995, 1.031, 4, [1, 1.01, 1.02, 1.03]],
    [-3, 3, 3, [-2, 0, 2]],
    [1, 1, 4, []],
  ])('from %d to %d, at most %d', (low, high, most, want) => expect(ticksOf(low, high, most)).toEqual(want));
});

describe('a variant in words', () => {
  const cell = (seed: number, valLoss: number | null, prunedStep: number | null = null) =>
    ({ seed, valLoss, prunedStep, status: valLoss === null ? 'failed' : 'completed' }) as Variant['runs'][number];
  const variant = {
    label: 'r = 4',
    loss: { n: 2, mean: 1.08, sd: 0.0057 },
    difference: { n: 2, mean: 0.004, sd: 0.001, halfWidth: 0.0102 },
    relation: 'as good',
    runs: [cell(0, 1.076), cell(1, 1.084)],
  } as Variant;

  test('has its mean, its spread and each seed', () => {
    expect(variantText(variant)).toBe('r = 4: mean 1.0800, sd 0.0057; seed 0 1.0760, seed 1 1.0840');
    expect(variantText({ ...variant, loss: null, runs: [cell(0, null)] })).toBe('r = 4: no validation loss yet');
  });

  test('has its difference with the interval, where there is one', () => {
    expect(differenceText(variant)).toBe('+0.0040 ± 0.0102');
    expect(differenceText({ ...variant, difference: { n: 1, mean: -0.02, sd: null, halfWidth: null } })).toBe(
      '-0.0200',
    );
    expect(differenceText({ ...variant, difference: null })).toBe('–');
  });

  test('says why it is not compared', () => {
    expect(relationText(variant)).toBe('as good');
    expect(relationText({ ...variant, relation: null, runs: [cell(0, 1, 50)] })).toBe('pruned at step 50');
    expect(relationText({ ...variant, relation: null, runs: [cell(0, null)] })).toBe('failed');
  });
});

describe('where the runs of a study are trained', () => {
  const cell = (status: StudyCell['status'], phase: AwayView['phase'], changes: Partial<AwayView> = {}) => ({
    status,
    away: {
      ...{ target: 'lab', kind: 'slurm' as const, phase, slurmJob: '12', arrayTask: 3, host: 'n1' },
      ...{ note: null, seenAt: null, startsAt: null, isCutOff: false, ...changes },
    },
  });
  const [running, done] = [cell('running', 'running'), cell('completed', 'completed')];

  test('nothing is said of runs that are trained here', () => {
    expect(placesOf([{ status: 'running', away: null }])).toEqual([]);
  });

  test('an array of jobs has one number, and its open runs are counted', () => {
    const note = 'Slurm: other jobs are ahead of it.';
    const waiting = cell('queued', 'waiting', { note });
    expect(placesOf([done, running, waiting, waiting])).toEqual([
      {
        target: 'lab',
        place: 'On cluster lab, Slurm job 12.',
        state: 'Under way: 1. Waiting for their turn: 2.',
        notes: [note],
      },
    ]);
  });

  test('runs that were sent again have other numbers, and in the end none is open', () => {
    expect(placesOf([running, cell('queued', 'sending', { slurmJob: null })])[0]).toMatchObject({
      place: 'On cluster lab.',
      state: 'Under way: 1. On their way there: 1.',
    });
    expect(placesOf([done, done])[0]).toMatchObject({
      place: 'Trained on cluster lab, Slurm job 12.',
      state: undefined,
    });
  });
});
