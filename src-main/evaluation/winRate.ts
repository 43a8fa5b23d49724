/** The share of decided questions that are won, with the 95 % interval of Wilson (1927), equation 4. */
import type { WinRate } from '../../src-shared/suites.ts';

const Z = 1.959964;

/** Ties count for nobody; null where nothing is decided. */
export function winRate(wins: number, losses: number): WinRate | null {
  const decided = wins + losses;
  if (decided === 0) return null;
  const p = wins / decided;
  const middle = (p + Z ** 2 / (2 * decided)) / (1 + Z ** 2 / decided);
  const half = (Z / (1 + Z ** 2 / decided)) * Math.sqrt((p * (1 - p)) / decided + Z ** 2 / (4 * decided ** 2));
  return { value: p, low: middle - half, high: middle + half };
}
