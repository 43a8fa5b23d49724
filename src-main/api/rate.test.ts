/** The rate finder beside runs: it takes their place, gives it back, and leaves the data folder as it was. */
import fs from 'node:fs';
import path from 'node:path';
import { afterEach, expect, it } from 'vitest';
import { openBench, smallRun, type TestBench } from '../../test-support/rigs/services.ts';
import { filesBelow } from '../../test-support/rigs/tinyRun.ts';
import { forkWorker, type WorkerChannel } from '../app/workers/channel.ts';

let bench: TestBench;
afterEach(() => bench.close());

function contents(dir: string): [string, string][] {
  const files = filesBelow(dir).filter((name) => fs.statSync(path.join(dir, name)).isFile());
  return files.map((name) => [name, fs.readFileSync(path.join(dir, name), 'latin1')]);
}

async function all<T>(events: AsyncIterable<T>): Promise<T[]> {
  const told: T[] = [];
  for await (const event of events) told.push(event);
  return told;
}

it('a search leaves every byte as it was; cancelled, it ends its worker and lets the queue go on', async () => {
  const workers: WorkerChannel[] = [];
  bench = openBench({
    spawnWorker: () => {
      const worker = forkWorker();
      workers.push(worker);
      return worker;
    },
  });
  const { rates, runs } = bench.services;
  const run = await smallRun(bench, { steps: 2 });
  const before = contents(bench.home);
  const events = await all(rates.find({ run, steps: 20 }));
  expect(events.at(-1)).toMatchObject({ type: 'found', result: { reason: expect.any(String) } });
  expect(events.filter(({ type }) => type === 'progress').length).toBeGreaterThan(0);
  expect(contents(bench.home)).toEqual(before);

  const abort = new AbortController();
  const cancelled = rates.compare({ run, around: 1e-3, gridSteps: 1000 }, abort.signal);
  expect((await cancelled.next()).value).toMatchObject({ type: 'progress', total: 5000 });
  // Meanwhile nothing else trains: a second search is refused, a run waits.
  await expect(rates.find({ run }).next()).rejects.toMatchObject({ code: 'BUSY' });
  const { id } = await runs.start(run);
  expect(runs.require(id).status).toBe('queued');
  const searching = workers.at(-1)!;
  const gone = new Promise((resolve) => searching.onExit(resolve));
  abort.abort();
  await all(cancelled);
  await gone;
  expect((await runs.finished(id)).status).toBe('completed');
});

it('while a run trains a search is refused with its name', async () => {
  bench = openBench();
  const { rates, runs } = bench.services;
  const run = await smallRun(bench, { steps: 100_000 });
  const { id } = await runs.start({ ...run, name: 'long one' });
  await expect(rates.find({ run }).next()).rejects.toMatchObject({
    code: 'BUSY',
    message: expect.stringMatching(/^The run long one is under way, and only one thing trains at a time/),
    details: { runId: id },
  });
  runs.stop(id);
  await runs.finished(id);
});
