/** The catalogue of runs in the studio: old databases are read, and each question has its answer by an index. */
import path from 'node:path';
import Database from 'better-sqlite3';
import { afterEach, expect, it } from 'vitest';
import { temporaryFolder } from '../../test-support/fixtures/folders.ts';
import { runSpecSchema } from '../../src-shared/runSpec.ts';
import { openCatalog, type Catalog } from './catalog.ts';
import { migrate } from './migrate.ts';
import { migrations } from './migrations/index.ts';
import { LOG_OF_RUN } from './runHistory.ts';
import { QUEUE_OF_OWNER } from './runs.ts';

let catalog: Catalog;

afterEach(() => catalog.close());

const spec = runSpecSchema.parse({
  runId: 'r1',
  model: { dir: '/m', hash: 'h' },
  data: { file: '/f' },
  task: 't',
  method: { type: 'lora' },
  train: {},
  runDir: '/r',
  outDir: '/o',
});
const row = {
  name: 'r',
  taskId: null,
  modelId: null,
  datasetId: null,
  spec,
  started: null,
  error: null,
  result: null,
  ownerPid: 7,
  pid: null,
  createdAt: '2026-01-01',
  startedAt: null,
  endedAt: null,
};

it('reads the runs of the schema before', () => {
  const file = path.join(temporaryFolder(), 'graft.db');
  const db = new Database(file);
  migrate(db, migrations.slice(0, 2));
  db.prepare(
    `INSERT INTO runs (id, name, status, spec, created_at) VALUES ('r1', 'old', 'paused', ?, '2026-01-01')`,
  ).run(JSON.stringify(spec));
  db.prepare('INSERT INTO metrics VALUES (?, 1, 2.5, 1e-4, 1, 100, 1000, 9)').run('r1');
  db.close();
  catalog = openCatalog(file);
  expect(catalog.runs.get('r1')).toMatchObject({
    name: 'old',
    status: 'paused',
    interim: null,
    queuePosition: null,
    parentRunId: null,
  });
  expect(catalog.runHistory.samples('r1')).toEqual([]);
  catalog.runHistory.putSample('r1', { step: 4, texts: ['a', 'b'] });
  catalog.runHistory.putSample('r1', { step: 2, texts: ['c'] });
  expect(catalog.runHistory.samples('r1')).toEqual([
    { step: 2, texts: ['c'] },
    { step: 4, texts: ['a', 'b'] },
  ]);
});

it('queues by position, copies a picture up to a step, and loses everything of a removed run but its children', () => {
  catalog = openCatalog(path.join(temporaryFolder(), 'graft.db'));
  for (const [id, queuePosition] of [
    ['a', 3],
    ['b', 1],
    ['c', 2],
  ] as const)
    catalog.runs.insert({ ...row, id, status: 'queued', queuePosition });
  catalog.runs.insert({ ...row, id: 'other', status: 'queued', ownerPid: 8 });
  expect(catalog.runs.queued(7).map(({ id }) => id)).toEqual(['b', 'c', 'a']);

  for (const step of [1, 2, 3]) {
    catalog.metrics.put('a', {
      step,
      loss: step,
      lr: 1,
      gradNorm: 1,
      tokensPerSecond: 1,
      memoryBytes: 1,
      elapsedMs: 1,
    });
    catalog.metrics.putEvaluation('a', { step, valLoss: 10 * step });
    catalog.runHistory.putSample('a', { step, texts: [`${step}`] });
    catalog.runHistory.putLine('a', { atMs: step, message: `line ${step}` });
  }
  catalog.runs.insert({ ...row, id: 'child', status: 'queued', parentRunId: 'a' });
  catalog.metrics.copyUpTo('a', 'child', 2);
  catalog.runHistory.copySamples('a', 'child', 2);
  const steps = (id: string) =>
    [catalog.metrics.after(id, 0), catalog.metrics.evaluations(id), catalog.runHistory.samples(id)].map((list) =>
      list.map(({ step }) => step),
    );
  expect(steps('child')).toEqual([
    [1, 2],
    [1, 2],
    [1, 2],
  ]);
  const lines = catalog.runHistory.log('a', 0);
  expect(lines.map(({ message }) => message)).toEqual(['line 1', 'line 2', 'line 3']);
  expect(catalog.runHistory.log('a', lines[0]!.id)).toEqual(lines.slice(1));

  catalog.runs.remove('a');
  expect(steps('a')).toEqual([[], [], []]);
  expect(catalog.runHistory.log('a', 0)).toEqual([]);
  expect(catalog.runs.get('child')!.parentRunId).toBeNull();
  expect(steps('child')).toEqual([
    [1, 2],
    [1, 2],
    [1, 2],
  ]);
});

it.each([
  ['log', LOG_OF_RUN, ['r', 0, 9], /USING INDEX run_log_by_run/],
  ['queue', QUEUE_OF_OWNER, [1], /USING INDEX runs_by_status/],
])('%s: uses an index', (_name, sql, parameters, plan) => {
  catalog = openCatalog(path.join(temporaryFolder(), 'graft.db'));
  const details = catalog.db
    .prepare<unknown[], { detail: string }>(`EXPLAIN QUERY PLAN ${sql}`)
    .all(...parameters)
    .map(({ detail }) => detail);
  expect(details[0]).toMatch(plan);
});
