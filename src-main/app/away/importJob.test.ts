/** Jobs that are carried away by hand, and what comes back of them: once, whole, and into the right run. */
import fs from 'node:fs';
import path from 'node:path';
import { expect, it, onTestFinished } from 'vitest';
import { openBench, smallRun, type TestBench } from '../../../test-support/rigs/services.ts';
import { graftFolder, startJob } from '../../../test-support/rigs/tinyJob.ts';
import { readState } from '../../jobs/state.ts';
import type { StartRun } from '../runs/input.ts';

function bench(): TestBench {
  const opened = openBench();
  onTestFinished(() => opened.close());
  return opened;
}

/** A run that waits, and its job. */
async function exported(opened: TestBench, train: StartRun['train'] = {}): Promise<{ id: string; dir: string }> {
  const { runs, jobs } = opened.services;
  const { id } = await runs.start(await smallRun(opened, train), { begin: false });
  const graftDir = graftFolder();
  const { dir } = await jobs.export(id, { outDir: path.join(opened.dir, `job ${id}`), kind: 'shell', graftDir });
  return { id, dir };
}

const change = (file: string, edit: (json: Record<string, unknown>) => void): void => {
  const json = JSON.parse(fs.readFileSync(file, 'utf8')) as Record<string, unknown>;
  edit(json);
  fs.writeFileSync(file, JSON.stringify(json));
};

it('is taken once, with each line of the log once', async () => {
  const opened = bench();
  const { jobs, catalog, runHistory } = opened.services;
  const { id, dir } = await exported(opened);
  expect(await startJob(dir).ended).toBe(0);
  expect(await jobs.import(dir)).toMatchObject({ status: 'completed', result: { steps: 6 } });
  await expect(jobs.import(dir)).rejects.toMatchObject({ code: 'RUN_NOT_FOR_EXPORT' });
  expect(catalog.adapters.list()).toHaveLength(1);
  const log = runHistory.log({ id, after: 0 }).map(({ message }) => message);
  expect(log).toEqual([...new Set(log)]);
});

it('what was stopped there, then trained on there, is taken twice: two adapters, each line once', async () => {
  const opened = bench();
  const { jobs, catalog, runHistory } = opened.services;
  const { id, dir } = await exported(opened, { steps: 40, checkpointEvery: 5 });
  fs.writeFileSync(path.join(dir, 'control.json'), '{"action":"stop"}');
  const first = startJob(dir);
  await first.ended;
  fs.rmSync(path.join(dir, 'control.json'));
  if (readState(dir)!.result === undefined) return expect(readState(dir)!.phase).toBe('stopped');
  expect(await jobs.import(dir)).toMatchObject({ status: 'stopped' });
  await expect(jobs.import(dir)).rejects.toMatchObject({ code: 'RUN_NOT_FOR_EXPORT' });
  fs.writeFileSync(path.join(dir, 'control.json'), '{"action":"none","afterAttempt":1}');
  expect(await startJob(dir).ended).toBe(0);
  expect(await jobs.import(dir)).toMatchObject({ status: 'completed', result: { steps: 40 } });
  expect(catalog.adapters.list()).toHaveLength(2);
  const lines = runHistory.log({ id, after: 0 }).filter(({ message }) => message.startsWith('Checkpoint written'));
  expect(lines.map(({ message }) => message)).toEqual([...new Set(lines.map(({ message }) => message))]);
});

it('what was changed, is of other settings or of a run under way is refused, and changes nothing', async () => {
  const opened = bench();
  const { jobs, runs, catalog } = opened.services;
  const { id, dir } = await exported(opened);
  expect(await startJob(dir).ended).toBe(0);
  const copy = (name: string): string => {
    const to = path.join(opened.dir, name);
    fs.cpSync(dir, to, { recursive: true });
    return to;
  };
  const weights = path.join(copy('changed'), 'out/adapter_model.safetensors');
  const bytes = fs.readFileSync(weights);
  bytes[bytes.length - 1]! ^= 1;
  fs.writeFileSync(weights, bytes);
  await expect(jobs.import(path.join(opened.dir, 'changed'))).rejects.toMatchObject({ code: 'JOB_CHANGED' });

  // A state that points at another folder's weights does not make those the result.
  const elsewhere = copy('elsewhere');
  fs.cpSync(path.join(dir, 'out'), path.join(opened.dir, 'other'), { recursive: true });
  fs.writeFileSync(path.join(elsewhere, 'out/adapter_model.safetensors'), bytes);
  change(path.join(elsewhere, 'state.json'), (state) => ((state['result'] as { outDir: string }).outDir = '../other'));
  await expect(jobs.import(elsewhere)).rejects.toMatchObject({ code: 'JOB_CHANGED' });

  const half = copy('half');
  change(path.join(half, 'state.json'), (state) => delete (state['result'] as { steps?: number }).steps);
  await expect(jobs.import(half)).rejects.toMatchObject({ code: 'JOB_CHANGED' });

  const settings = copy('settings');
  change(path.join(settings, 'job.json'), (job) => ((job['spec'] as { train: { lr: number } }).train.lr = 1));
  await expect(jobs.import(settings)).rejects.toMatchObject({ code: 'JOB_NOT_OURS' });

  catalog.runs.update(id, { status: 'running' });
  await expect(jobs.import(dir)).rejects.toMatchObject({ code: 'RUN_NOT_FOR_EXPORT' });
  catalog.runs.update(id, { status: 'paused' });
  expect(runs.require(id)).toMatchObject({ status: 'paused', result: null });
  expect(catalog.adapters.list()).toEqual([]);

  runs.stop(id);
  runs.remove(id);
  await expect(jobs.import(dir)).rejects.toMatchObject({ code: 'RUN_NOT_FOUND' });
});
