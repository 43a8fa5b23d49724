import Database from 'better-sqlite3';
import { afterEach, expect, it } from 'vitest';
import { metricQueries } from './metrics.ts';
import { migrate } from './migrate.ts';
import { migrations } from './migrations/index.ts';
import { runQueries } from './runs.ts';

const open: Database.Database[] = [];
afterEach(() => open.splice(0).forEach((db) => db.close()));

it('runs of before get the version of their dataset that has the rows they saw', () => {
  const db = new Database(':memory:');
  open.push(db);
  migrate(db, migrations.slice(0, 6));
  db.exec(
    `INSERT INTO datasets (id, name, source, allow_bad_rows, created_at) VALUES ('d', 'rows', '/d/rows.jsonl', ` +
      `1, '2026-01-01')`,
  );
  const version = db.prepare(
    'INSERT INTO dataset_versions (dataset_id, number, file, map, rows, bad_rows, hash, change, created_at) ' +
      `VALUES ('d', ?, ?, '{}', 5, 0, ?, '', '2026-01-01')`,
  );
  version.run(1, '/d/rows.jsonl', 'h1');
  version.run(2, '/own/v2.jsonl', 'h2');
  version.run(3, '/own/v3.jsonl', 'h1');
  const run = db.prepare(
    `INSERT INTO runs (id, name, dataset_id, status, spec, created_at) VALUES (?, '', ?, 'completed', ?, '2026-01-02')`,
  );
  const spec = (file: string, hash: string): string => JSON.stringify({ data: { file, hash, maxLength: 7 } });
  run.run('first', 'd', spec('/d/rows.jsonl', 'h1'));
  run.run('second', 'd', spec('/own/v2.jsonl', 'h2'));
  run.run('moved', 'd', spec('/elsewhere/rows.jsonl', 'h1'));
  run.run('other', 'd', spec('/d/rows.jsonl', 'h9'));
  run.run('without', null, spec('/d/rows.jsonl', 'h1'));
  migrate(db);
  const runs = runQueries(db);
  expect(['first', 'second', 'moved', 'other', 'without'].map((id) => runs.get(id)!.spec.data.version)).toEqual([
    1,
    2,
    3,
    undefined,
    undefined,
  ]);
  expect(runs.get('second')!.spec.data).toEqual({ file: '/own/v2.jsonl', hash: 'h2', maxLength: 7, version: 2 });
});

it('runs of before have no tags and no notes, are not archived, and do not say when their steps were', () => {
  const db = new Database(':memory:');
  open.push(db);
  migrate(db, migrations.slice(0, 13));
  db.exec(
    `INSERT INTO runs (id, name, status, spec, created_at) VALUES ('r', 'old', 'completed', '{}', '2026-01-02');
     INSERT INTO metrics (run_id, step, loss, lr, grad_norm, tokens_per_second, memory_bytes, elapsed_ms)
     VALUES ('r', 1, 2.5, 0.1, 1, 9, 5, 40)`,
  );
  migrate(db);
  expect(runQueries(db).get('r')).toMatchObject({ name: 'old', tags: [], notes: '', archivedAt: null });
  expect(metricQueries(db).series('r', 0, -1, 9)).toMatchObject({ loss: [2.5], elapsedMs: [40], atMs: [0] });
});
