import Database from 'better-sqlite3';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { adapterQueries } from './adapters.ts';
import { LOSS_SAMPLES, lossSamples } from './lossSamples.ts';
import { migrate } from './migrate.ts';
import { migrations } from './migrations/index.ts';
import { taskQueries } from './tasks.ts';

let db: Database.Database;

beforeEach(() => {
  db = new Database(':memory:');
  db.pragma('foreign_keys = ON');
});
afterEach(() => db.close());

it('a catalogue of before keeps its adapters, who is active, and the exports that name them', () => {
  migrate(db, migrations.slice(0, 3));
  db.exec(`
    INSERT INTO tasks (id, name, created_at) VALUES ('t', 'stories', '2026-01-01');
    INSERT INTO adapters
        (id, name, task_id, base_hash, dir, sha256, size_bytes, method, final_loss, val_loss, created_at)
      VALUES ('a', 'first', 't', 'b', '/a', 's', 9, '{"type":"bitfit"}', 1.25, 1.5, '2026-01-01'),
             ('b', 'second', 't', 'b', '/b', 's', 9, '{"type":"bitfit"}', 0.75, NULL, '2026-01-02');
    UPDATE tasks SET active_adapter_id = 'b';
    INSERT INTO exports (id, adapter_id, adapter_dir, model_dir, out_dir, status, owner_pid, created_at)
      VALUES ('e', 'a', '/a', '/m', '/o', 'completed', 1, '2026-01-03');
  `);
  migrate(db);
  expect(adapterQueries(db).list('t')).toMatchObject([
    { id: 'a', finalLoss: 1.25, valLoss: 1.5, notes: '', tags: [], importedFrom: null },
    { id: 'b', finalLoss: 0.75, valLoss: null, notes: '', tags: [], importedFrom: null },
  ]);
  expect(taskQueries(db).list()).toMatchObject([{ id: 't', activeAdapterId: 'b', adapters: 2 }]);
  expect(db.prepare('SELECT adapter_id FROM exports').all()).toEqual([{ adapter_id: 'a' }]);
  expect(db.pragma('foreign_key_check')).toEqual([]);
});

describe('samples of losses', () => {
  const insert = (runId: string, steps: number[]) => {
    db.prepare(`INSERT INTO runs (id, name, status, spec, created_at) VALUES (?, 'r', 'completed', '{}', '')`).run(
      runId,
    );
    const put = db.prepare(
      'INSERT INTO metrics (run_id, step, loss, lr, grad_norm, tokens_per_second, memory_bytes, elapsed_ms) ' +
        'VALUES (?, ?, ?, 0, 0, 0, 0, 0)',
    );
    for (const step of steps) put.run(runId, step, step);
  };

  it('a long run gives as many points as asked for, from first to last, each the mean of eight steps', () => {
    migrate(db);
    insert(
      'long',
      Array.from({ length: 1000 }, (_, i) => i + 1),
    );
    insert('short', [3, 4, 9]);
    const samples = lossSamples(db, ['long', 'short', 'none'], 10);
    expect(samples.get('long')).toHaveLength(10);
    expect(samples.get('long')![0]).toEqual({ step: 1, loss: 4.5 });
    expect(samples.get('long')!.at(-1)).toEqual({ step: 1000, loss: 1000 });
    expect(samples.get('short')!.map(({ step }) => step)).toEqual([3, 4, 5, 6, 7, 8, 9]);
    expect(samples.get('short')![0]).toEqual({ step: 3, loss: 16 / 3 });
    expect(samples.get('short')!.at(-1)).toEqual({ step: 9, loss: 9 });
    expect(samples.has('none')).toBe(false);
  });

  it('looks steps up by the key and never scans the table', () => {
    migrate(db);
    const plan = db
      .prepare<[object], { detail: string }>(`EXPLAIN QUERY PLAN ${LOSS_SAMPLES}`)
      .all({ runIds: '["r"]', points: 10 })
      .map(({ detail }) => detail)
      .filter((detail) => detail.includes(' m '));
    expect(plan.length).toBeGreaterThan(0);
    for (const detail of plan) expect(detail).toMatch(/^SEARCH m USING PRIMARY KEY/);
  });
});
