import { describe, expect, test } from 'vitest';
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
