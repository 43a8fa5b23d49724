import fs from 'node:fs';
import path from 'node:path';
import { afterEach, expect, it } from 'vitest';
import { openBench, smallRun, type TestBench } from '../../../test-support/rigs/services.ts';
import { LOG_FORMATS } from '../../../src-shared/logFormats.ts';
import { exportLogs } from './exportLogs.ts';
import type { RunView } from './view.ts';

const benches: TestBench[] = [];
afterEach(async () => {
  for (const made of benches.splice(0)) await made.close();
});

async function twoRuns(): Promise<{ b: TestBench; runs: RunView[]; dir: string }> {
  const b = openBench();
  benches.push(b);
  const input = { ...(await smallRun(b, { steps: 4, evalEvery: 2 })), name: 'a/b: c' };
  const runs: RunView[] = [];
  for (let i = 0; i < 2; i++) runs.push(await b.services.runs.finished((await b.services.runs.start(input)).id));
  return { b, runs, dir: path.join(b.home, '..', `${path.basename(b.home)}-logs`) };
}

const read = (...parts: string[]): string => fs.readFileSync(path.join(...parts), 'utf8');

it('writes every format whole, each run under a name of its own, and refuses to overwrite', async () => {
  const { b, runs, dir } = await twoRuns();
  const ids = runs.map(({ id }) => id);
  try {
    const { written, command } = await exportLogs(b.services, { ids, formats: [...LOG_FORMATS], dir });
    expect(written).toHaveLength(8);
    expect(written.every((target) => fs.existsSync(target))).toBe(true);
    expect(command).toBe(`tensorboard --logdir "${path.join(dir, 'tensorboard')}"`);
    const names = ids.map((id) => `a-b- c ${id}`);
    expect(fs.readdirSync(path.join(dir, 'tensorboard')).sort()).toEqual([...names].sort());
    expect(fs.readdirSync(path.join(dir, 'tensorboard', names[0]!))[0]).toMatch(/^events\.out\.tfevents\.\d+\./);

    const { steps, evaluations } = b.services.runHistory.metrics({ id: ids[0]!, afterStep: 0 });
    expect(steps).toHaveLength(4);
    const json = JSON.parse(read(dir, 'json', `${names[0]!}.json`)) as Record<string, object[]>;
    expect(json).toMatchObject({ id: ids[0], status: 'completed', steps, evaluations });
    expect(json['settings']).toMatchObject({ 'train.steps': 4, 'method.type': 'lora' });
    expect(read(dir, 'csv', names[0]!, 'steps.csv').trim().split('\r\n')).toHaveLength(5);

    const [experiment] = fs.readdirSync(path.join(dir, 'mlruns'));
    expect(experiment).toMatch(/^\d+$/);
    const [run] = fs.readdirSync(path.join(dir, 'mlruns', experiment!)).filter((name) => name !== 'meta.yaml');
    const store = path.join(dir, 'mlruns', experiment!, run!);
    expect(read(store, 'meta.yaml')).toContain(`run_id: "${run!}"\n`);
    expect(read(store, 'meta.yaml')).toContain('status: 3\n');
    expect(read(path.dirname(store), 'meta.yaml')).toContain('name: "colours"\n');
    expect(read(store, 'params', 'train.steps')).toBe('4');
    const lines = read(store, 'metrics', 'eval', 'loss').trim().split('\n');
    expect(lines.map((line) => line.split(' ').slice(1))).toEqual(
      evaluations.map(({ step, valLoss }) => [String(valLoss), String(step)]),
    );

    fs.rmSync(path.join(dir, 'csv', names[0]!), { recursive: true });
    const again = exportLogs(b.services, { ids, formats: ['csv'], dir });
    await expect(again).rejects.toMatchObject({ code: 'FOLDER_EXISTS' });
    expect(fs.existsSync(path.join(dir, 'csv', names[0]!))).toBe(false);
  } finally {
    fs.rmSync(dir, { recursive: true, force: true });
  }
});

it('when each step was taken is known to the export', async () => {
  const { b, runs } = await twoRuns();
  const { id, startedAt, endedAt } = runs[0]!;
  const { atMs } = b.services.runHistory.series({ id, afterStep: 0, afterEvaluation: -1, maxPoints: 100 });
  expect(atMs).toHaveLength(4);
  expect(atMs).toEqual([...atMs].sort((left, right) => left - right));
  expect(atMs[0]).toBeGreaterThanOrEqual(Date.parse(startedAt!));
  expect(atMs[3]).toBeLessThanOrEqual(Date.parse(endedAt!));
});

it('tags, notes and the archive stay; a run under way is not put away', async () => {
  const { b, runs } = await twoRuns();
  const { services } = b;
  const [first, second] = runs.map(({ id }) => id) as [string, string];
  services.runs.annotate({ id: first, tags: ['good', 'long', 'good'], notes: 'Keep "this".' });
  services.runs.annotate({ id: first, notes: 'Keep that.' });
  expect(services.runs.require(first)).toMatchObject({ tags: ['good', 'long'], notes: 'Keep that.', archivedAt: null });
  services.runs.archive({ ids: [first, second], archived: true });
  expect(services.runs.list().every(({ archivedAt }) => archivedAt !== null)).toBe(true);
  services.runs.archive({ ids: [second], archived: false });
  expect(services.runs.require(second)).toMatchObject({ archivedAt: null, tags: [], notes: '' });

  const queued = await services.runs.start(await smallRun(b, { steps: 500 }));
  const mixed = { ids: [second, queued.id], archived: true };
  expect(() => services.runs.archive(mixed)).toThrow(/stop it before you archive it/);
  expect(services.runs.require(second).archivedAt).toBeNull();
  await expect(
    exportLogs(services, { ids: [(await services.runs.start(await smallRun(b))).id], formats: ['csv'], dir: '/x' }),
  ).rejects.toThrow(/has taken no step yet/);
});
