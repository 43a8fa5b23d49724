/**
 * What `npm run bench -- kernel-errors` reads: the error of each tensor that a test compares, one JSON line in the file
 * GRAFT_ERRORS.
 */
import fs from 'node:fs';
import { expect } from 'vitest';

export interface ErrorLine {
  test: string;
  /** `output`, `gradient of x` … */
  what: string;
  /** Largest |got - want| over the largest |want|. */
  error: number;
}

export function recordError(what: string, got: ArrayLike<number>, want: Float64Array): void {
  const file = process.env['GRAFT_ERRORS'];
  if (!file) return;
  const largest = want.reduce((most, value) => Math.max(most, Math.abs(value)), 0);
  const difference = want.reduce((most, value, i) => Math.max(most, Math.abs(got[i]! - value)), 0);
  const line: ErrorLine = {
    test: expect.getState().currentTestName ?? '',
    what,
    error: largest > 0 ? difference / largest : 0,
  };
  fs.appendFileSync(file, `${JSON.stringify(line)}\n`);
}
