/** Wilson's bounds are where the score test of a share just reaches 5 %. */
import { expect, it } from 'vitest';
import { winRate } from './winRate.ts';

it.each([
  [14, 6],
  [1, 9],
  [50, 50],
  [72, 46],
])('%i won and %i lost', (wins, losses) => {
  const n = wins + losses;
  const { value, low, high } = winRate(wins, losses)!;
  expect(value).toBeCloseTo(wins / n, 12);
  for (const bound of [low, high])
    expect(Math.abs(value - bound) / Math.sqrt((bound * (1 - bound)) / n)).toBeCloseTo(1.959964, 5);
  expect(low).toBeLessThan(value);
  expect(high).toBeGreaterThan(value);
});

it('without a win the interval begins at 0', () => {
  const { low, high } = winRate(0, 10)!;
  expect(low).toBeCloseTo(0, 12);
  // z²/(n + z²)
  expect(high).toBeCloseTo(3.8414588 / 13.8414588, 5);
});

it('of nothing is none', () => expect(winRate(0, 0)).toBeNull());
