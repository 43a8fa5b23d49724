/** `train --preflight` through the services: a real step in a worker, no run, no files, and what it prints. */
import { expect, it, onTestFinished } from 'vitest';
import { MODEL, openBench, smallRun } from '../../../test-support/rigs/services.ts';
import { filesBelow } from '../../../test-support/rigs/tinyRun.ts';
import { reportPreflight } from './preflight.ts';

it('takes a step of the run without starting it', async () => {
  const bench = openBench();
  onTestFinished(() => bench.close());
  const result = await bench.services.runs.preflight(await smallRun(bench, { memoryLimitBytes: 400 * 2 ** 20 }, MODEL));
  expect(result).toMatchObject({ engine: 'wasm', longest: { rows: 4 }, limitBytes: 400 * 2 ** 20 });
  expect(bench.services.runs.list()).toEqual([]);
  expect(filesBelow(bench.home).filter((name) => name.endsWith('.safetensors'))).toEqual([]);

  const lines: string[] = [];
  expect(reportPreflight({ print: (line) => void lines.push(line) }, result)).toBe(result);
  expect(lines.slice(4)).toEqual([...result.notes, ...result.warnings]);
  expect(lines[0]).toMatch(/^wasm on .*longest batch: 4 rows, \d+ tokens/);
  expect(lines[3]).toBe(
    `Into 400.0 MiB fit, with all else as it is: batch up to ${result.largest.batch}, length up to ` +
      `${result.largest.maxLength}, rank up to ${result.largest.rank}`,
  );
  expect(result.largest.batch).toBeGreaterThan(0);
});
