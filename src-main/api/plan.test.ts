/** What a run that is set up would be: on which version of its dataset, without which of its rows. */
import fs from 'node:fs';
import { afterEach, expect, it } from 'vitest';
import { openBench, smallRun } from '../../test-support/rigs/services.ts';
import type { TestBench } from '../../test-support/rigs/services.ts';

let bench: TestBench;
afterEach(() => bench.close());

it('a version and lines that are left out are planned, started and written on the command line alike', async () => {
  bench = openBench();
  const input = await smallRun(bench, { steps: 2, val: 0 });
  const first = (await bench.api.datasets.list())[0]!;
  const second = await bench.api.datasets.saveVersion({ id: first.id, edits: { removed: [[0, 4]] } });
  expect([first.rows, second.rows, second.version]).toEqual([24, 20, 2]);

  const rows = async (changes: object) => (await bench.api.plan.estimate({ ...input, ...changes })).trainRows;
  expect(await rows({})).toBe(20);
  expect(await rows({ datasetVersion: 1 })).toBe(24);
  const copied = { ...input, datasetVersion: 1, data: { excludeLines: [2, 3, 4, 24] } };
  expect(await rows(copied)).toBe(20);
  const line = await bench.api.plan.commandLine(copied);
  expect(line).toContain(`--data ${first.file} `);
  expect(line).toContain(' --exclude-lines 2-4,24');

  const run = await bench.services.runs.finished((await bench.api.runs.start(copied)).id);
  expect(run).toMatchObject({
    status: 'completed',
    excludedLines: 4,
    started: { trainRows: 20 },
    spec: { data: { file: first.file, hash: first.hash, version: 1, excludeLines: [2, 3, 4, 24] } },
  });
  await expect(
    bench.api.plan.estimate({ ...input, data: { excludeLines: Array.from({ length: 20 }, (_, i) => i + 1) } }),
  ).rejects.toThrow(/All 20 rows to train on are among the excluded lines/);

  fs.rmSync(second.file);
  await expect(bench.api.plan.estimate({ ...input, datasetVersion: 2 })).rejects.toThrow(
    /of the dataset rows\.jsonl does not exist any more/,
  );
  expect((await bench.api.datasets.versions({ id: first.id })).map(({ number, state }) => [number, state])).toEqual([
    [2, 'missing'],
    [1, 'same'],
  ]);
});
