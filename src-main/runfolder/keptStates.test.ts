import fs from 'node:fs';
import path from 'node:path';
import { expect, it } from 'vitest';
import { temporaryFolder } from '../../test-support/fixtures/folders.ts';
import { keepState, keptStates, thinned } from './keptStates.ts';
import { keptStateFile, runStateFile } from './layout.ts';

/** As saveRunState does it: a new file takes the old one's name. */
function writeState(runDir: string, step: number): void {
  const file = runStateFile(runDir);
  fs.writeFileSync(`${file}.new`, `state ${step}`);
  fs.renameSync(`${file}.new`, file);
}

it('keeps the newest two and six older ones that are spread over the run, the first among them', () => {
  const runDir = temporaryFolder();
  for (let step = 10; step <= 1000; step += 10) {
    writeState(runDir, step);
    keepState(runDir, step, { onlyNewest: false });
  }
  const kept = keptStates(runDir);
  const steps = kept.map(({ step }) => step);
  expect(steps).toHaveLength(8);
  expect(steps.slice(-2)).toEqual([990, 1000]);
  expect(steps[0]).toBe(10);
  const gaps = steps
    .slice(0, -1)
    .map((step, i) => steps[i + 1]! - step)
    .slice(0, -1);
  expect(Math.max(...gaps)).toBeLessThanOrEqual(2.5 * (1000 / 7));
  for (const { step, sizeBytes } of kept) {
    expect(fs.readFileSync(keptStateFile(runDir, step), 'utf8')).toBe(`state ${step}`);
    expect(sizeBytes).toBe(`state ${step}`.length);
  }
});

it('of whole models only the newest, and the same step twice is one checkpoint', () => {
  const runDir = temporaryFolder();
  for (const step of [1, 2, 3, 3]) {
    writeState(runDir, step);
    keepState(runDir, step, { onlyNewest: true });
  }
  expect(keptStates(runDir).map(({ step }) => step)).toEqual([3]);
  expect(keptStates(path.join(runDir, 'nowhere'))).toEqual([]);
});

it('thins nothing that is few', () => {
  expect(thinned([])).toEqual([]);
  expect(thinned([1, 2, 3, 4, 5, 6, 7, 8])).toEqual([1, 2, 3, 4, 5, 6, 7, 8]);
  expect(thinned([1, 2, 3, 4, 5, 6, 7, 8, 9])).toHaveLength(8);
});
