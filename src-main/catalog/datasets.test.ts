import Database from 'better-sqlite3';
import { afterEach, describe, expect, it } from 'vitest';
import { datasetQueries } from './datasets.ts';
import { migrate } from './migrate.ts';
import { migrations } from './migrations/index.ts';

const open: Database.Database[] = [];
afterEach(() => open.splice(0).forEach((db) => db.close()));

function database(steps = migrations): Database.Database {
  const db = new Database(':memory:');
  open.push(db);
  db.pragma('foreign_keys = ON');
  migrate(db, steps);
  return db;
}

const FIRST = {
  file: '/d/rows.csv',
  format: null,
  map: { prompt: 'q' },
  rows: 5,
  badRows: 2,
  hash: 'h1',
  sizeBytes: 70,
  modifiedMs: 12.5,
  change: 'As it was added',
  createdAt: '2026-01-01',
};

function filled() {
  const queries = datasetQueries(database());
  queries.insert({ id: 'd', name: 'rows', source: '/d/rows.csv', allowBadRows: true, createdAt: '2026-01-01' }, FIRST);
  return queries;
}

describe('the schema before versions', () => {
  it('a dataset becomes one with a first version, and its runs still name it', () => {
    const db = database(migrations.slice(0, 1));
    db.exec(`INSERT INTO datasets (id, name, file, format, map, rows, bad_rows, allow_bad_rows, hash, created_at)
      VALUES ('d', 'old', '/d/old.jsonl', 'jsonl', '{"prompt":"q"}', 7, 1, 1, 'h', '2025-12-01')`);
    db.exec(
      `INSERT INTO runs (id, name, dataset_id, status, spec, created_at) VALUES ('r', 'run', 'd', 'completed', ` +
        `'{}', '2025-12-02')`,
    );
    migrate(db);
    const queries = datasetQueries(db);
    expect(queries.list()).toEqual([
      {
        id: 'd',
        name: 'old',
        source: '/d/old.jsonl',
        version: 1,
        file: '/d/old.jsonl',
        format: 'jsonl',
        map: { prompt: 'q' },
        rows: 7,
        badRows: 1,
        allowBadRows: true,
        hash: 'h',
        sizeBytes: null,
        createdAt: '2025-12-01',
      },
    ]);
    expect(queries.versions.list('d')).toMatchObject([
      { number: 1, hash: 'h', modifiedMs: null, change: 'As it was added' },
    ]);
    expect(db.prepare('SELECT dataset_id FROM runs').get()).toEqual({ dataset_id: 'd' });
    expect(db.pragma('foreign_key_check')).toEqual([]);
  });
});

describe('datasets', () => {
  it('are what their current version is; an older one can be asked for', () => {
    const queries = filled();
    queries.versions.insert({
      ...FIRST,
      datasetId: 'd',
      number: 2,
      file: '/home/v2.jsonl',
      format: 'jsonl',
      rows: 4,
      hash: 'h2',
    });
    expect(queries.get('d')).toMatchObject({ version: 1, file: '/d/rows.csv', hash: 'h1', rows: 5 });
    queries.setVersion('d', 2);
    expect(queries.get('d')).toMatchObject({
      version: 2,
      file: '/home/v2.jsonl',
      source: '/d/rows.csv',
      hash: 'h2',
      rows: 4,
    });
    expect(queries.at('d', 1)).toMatchObject({ version: 1, file: '/d/rows.csv', hash: 'h1' });
    expect(queries.at('d', 3)).toBeUndefined();
    expect(queries.versions.list('d').map(({ number }) => number)).toEqual([2, 1]);
  });

  it('are found again by file and reading rules', () => {
    const queries = filled();
    expect(queries.find({ file: '/d/rows.csv', format: null, map: { prompt: 'q' } })?.id).toBe('d');
    expect(queries.find({ file: '/d/rows.csv', format: null, map: {} })).toBeUndefined();
    expect(queries.find({ file: '/d/rows.csv', format: 'csv', map: { prompt: 'q' } })).toBeUndefined();
  });

  it('are hidden when removed, and come back', () => {
    const queries = filled();
    expect(queries.remove('d', '2026-02-01')).toBe(true);
    expect(queries.remove('d', '2026-02-01')).toBe(false);
    expect([
      queries.get('d'),
      queries.list(),
      queries.find({ file: '/d/rows.csv', format: null, map: { prompt: 'q' } }),
    ]).toEqual([undefined, [], undefined]);
    expect(queries.bringBack('d')).toBe(true);
    expect(queries.get('d')?.name).toBe('rows');
  });
});
