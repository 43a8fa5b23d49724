/** The fixture against the figures that describe it. */
import { expect, it } from 'vitest';
import { quantile } from '../lib/stats.ts';
import { labelledTokens, randomExample } from '../lib/workload.ts';
import { Random } from '../../src-shared/random.ts';
import { REAL_LENGTHS } from './realLengths.ts';

it('holds 64 lengths between 8 and 256 with the stated median', () => {
  expect(REAL_LENGTHS).toHaveLength(64);
  expect(REAL_LENGTHS.every((n) => Number.isInteger(n) && n >= 8 && n <= 256)).toBe(true);
  expect(quantile(REAL_LENGTHS, 0.5)).toBeGreaterThan(55);
  expect(quantile(REAL_LENGTHS, 0.5)).toBeLessThan(65);
});

it('labels the last tokens of an example, and never the first', () => {
  const some = randomExample(new Random(1), 10, 4, 100);
  expect(some.labels.slice(0, 6)).toEqual(Array(6).fill(-100));
  expect(some.labels.slice(6)).toEqual(some.ids.slice(6));
  const all = randomExample(new Random(1), 10, 10, 100);
  expect(all.labels[0]).toBe(-100);
  expect(labelledTokens([some, all])).toBe(4 + 9);
});
