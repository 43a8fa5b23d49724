import fs from 'node:fs';
import os from 'node:os';
import path from 'node:path';
import Database from 'better-sqlite3';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { GraftError } from '../../src-shared/errors.ts';
import { lora } from '../../src-shared/methods/lora.ts';
import { ADAPTERS_BY_TASK } from './adapters.ts';
import { openCatalog } from './catalog.ts';
import type { Catalog } from './catalog.ts';
import { EVALUATIONS_AFTER, METRICS_AFTER, SERIES_AFTER } from './metrics.ts';
import { migrate, schemaVersion } from './migrate.ts';
import { migrations } from './migrations/index.ts';

let dir: string;
let file: string;
const open: Catalog[] = [];

function openHere(): Catalog {
  const catalog = openCatalog(file);
  open.push(catalog);
  return catalog;
}

function insertAdapter(catalog: Catalog, id: string, taskId: string): void {
  const method = lora.schema.parse({ type: 'lora', targets: ['q', 'down'], rank: 3 });
  catalog.adapters.insert({
    id,
    name: id,
    taskId,
    runId: null,
    modelId: null,
    baseHash: 'b',
    dir: `/a/${id}`,
    sha256: 's',
    sizeBytes: 9,
    method,
    finalLoss: 1.5,
    valLoss: null,
    createdAt: '2026-01-01',
  });
}

beforeEach(() => {
  dir = fs.mkdtempSync(path.join(os.tmpdir(), 'graft-catalog-'));
  file = path.join(dir, 'graft.db');
});

afterEach(() => {
  for (const catalog of open.splice(0)) catalog.close();
  fs.rmSync(dir, { recursive: true, force: true });
});

describe('opening', () => {
  it('creates the newest schema and opens it again unchanged', () => {
    openHere().tasks.insert({ id: 't', name: 'stories', createdAt: '2026-01-01' });
    const again = openHere();
    expect(schemaVersion(again.db)).toBe(migrations.length);
    expect(again.tasks.list().map((task) => task.name)).toEqual(['stories']);
    expect(again.db.pragma('journal_mode', { simple: true })).toBe('wal');
    expect(again.db.pragma('integrity_check', { simple: true })).toBe('ok');
  });

  it('refuses a catalogue of a newer Graft and leaves it as it is', () => {
    const db = new Database(file);
    db.pragma(`user_version = ${migrations.length + 1}`);
    db.close();
    expect(openHere).toThrow(/was written by a newer Graft .* update Graft/);
    const after = new Database(file);
    expect(schemaVersion(after)).toBe(migrations.length + 1);
    expect(after.prepare('SELECT count(*) AS n FROM sqlite_schema').get()).toEqual({ n: 0 });
    after.close();
  });

  /** What opening says; it must hold nothing of SQLite's own words. */
  function refusal(target = file): GraftError {
    try {
      openCatalog(target, 0).close();
    } catch (error) {
      expect(error).toBeInstanceOf(GraftError);
      expect((error as GraftError).message).not.toContain((error as GraftError).details['cause']);
      return error as GraftError;
    }
    throw new Error('It was opened.');
  }

  it('of a file that is no database, or a damaged one: how to set it aside, and what can be added again', () => {
    fs.writeFileSync(file, 'this is not a database '.repeat(100));
    expect(refusal()).toMatchObject({ code: 'CATALOG_BROKEN', details: { sqlite: 'SQLITE_NOTADB' } });
    fs.rmSync(file);
    openCatalog(file).close();
    const fd = fs.openSync(file, 'r+');
    fs.writeSync(fd, Buffer.alloc(1000, 0x55), 0, 1000, 100); // the first page, behind the file's header
    fs.closeSync(fd);
    const broken = refusal();
    expect(broken).toMatchObject({ code: 'CATALOG_BROKEN', details: { file, sqlite: 'SQLITE_CORRUPT' } });
    expect(broken.message).toContain(`${file} is damaged`);
    expect(broken.message).toMatch(
      /move it to another folder .* and start again with an empty one\. .*import your adapters/,
    );
    fs.renameSync(file, path.join(dir, 'aside.db'));
    expect(openHere().tasks.list()).toEqual([]);
  });

  it('of one that another program holds: who, and what to do', () => {
    const other = new Database(file);
    other.exec('BEGIN EXCLUSIVE');
    const { code, message } = refusal();
    expect(code).toBe('CATALOG_AWAY');
    expect(message).toMatch(/is held by another program.*close that program or wait.*Nothing is lost\.$/);
    expect(message).not.toMatch(/writable|free space/);
    other.close();
  });

  it('only reads one that is up to date, so that a program that holds it does not stand in the way', () => {
    openHere();
    const other = new Database(file);
    other.exec('BEGIN EXCLUSIVE');
    const catalog = openCatalog(file, 0);
    expect(catalog.tasks.list()).toEqual([]);
    expect(catalog.tryWrite(() => catalog.settings.set('a', 1))).toBe(false);
    other.close();
    expect(catalog.tryWrite(() => catalog.settings.set('a', 1))).toBe(true);
    catalog.close();
  });

  it('of a folder in its place: what to check', () => {
    expect(refusal(dir)).toMatchObject({
      code: 'CATALOG_NOT_OPENED',
      message: expect.stringMatching(/cannot be opened or written; check that .*graft\.db-wal/) as string,
    });
  });

  it('applies only the missing migrations, each whole or not at all', () => {
    const db = new Database(file);
    migrate(db, ['CREATE TABLE a (x INTEGER) STRICT; INSERT INTO a VALUES (7)']);
    const add = 'ALTER TABLE a ADD COLUMN y TEXT';
    expect(() => migrate(db, ['not reached', add, 'INSERT INTO nowhere VALUES (1)'])).toThrow(/nowhere/);
    expect(schemaVersion(db)).toBe(1);
    migrate(db, ['not reached', add]);
    expect(db.prepare('SELECT * FROM a').all()).toEqual([{ x: 7, y: null }]);
    db.close();
  });
});

describe('hot queries use an index', () => {
  it.each([
    ['metrics of a run', METRICS_AFTER, ['r', 0], /SEARCH metrics USING PRIMARY KEY \(run_id=\? AND step>\?\)/],
    [
      'a chunk of the series of a run',
      SERIES_AFTER,
      ['r', 0, 10],
      /SEARCH metrics USING PRIMARY KEY \(run_id=\? AND step>\?\)/,
    ],
    [
      'validation losses of a run',
      EVALUATIONS_AFTER,
      ['r', 0],
      /SEARCH evaluations USING PRIMARY KEY \(run_id=\? AND step>\?\)/,
    ],
    ['adapters of a task', ADAPTERS_BY_TASK, ['t'], /SEARCH adapters USING INDEX adapters_by_task/],
  ])('%s', (_name, sql, parameters, plan) => {
    const details = openHere()
      .db.prepare<unknown[], { detail: string }>(`EXPLAIN QUERY PLAN ${sql}`)
      .all(...parameters)
      .map((row) => row.detail);
    expect(details[0]).toMatch(plan);
  });
});

describe('rows', () => {
  it('come back as the objects that went in', () => {
    const catalog = openHere();
    catalog.tasks.insert({ id: 't', name: 'stories', createdAt: '2026-01-01' });
    insertAdapter(catalog, 'a1', 't');
    expect(catalog.adapters.get('a1')).toMatchObject({
      method: { type: 'lora', rank: 3, alpha: 16, targets: ['q', 'down'] },
      valLoss: null,
      taskId: 't',
    });
    expect(catalog.tasks.get('t')).toMatchObject({ adapters: 1, activeAdapterId: null });
  });

  it('a removed adapter is no longer the active one of its task', () => {
    const catalog = openHere();
    catalog.tasks.insert({ id: 't', name: 'stories', createdAt: '2026-01-01' });
    insertAdapter(catalog, 'a1', 't');
    catalog.tasks.setActive('t', 'a1');
    expect(catalog.adapters.remove('a1')).toBe(true);
    expect(catalog.tasks.get('t')).toMatchObject({ adapters: 0, activeAdapterId: null });
  });

  it('an adapter of a task that does not exist is refused', () => {
    expect(() => insertAdapter(openHere(), 'a1', 'nobody')).toThrow(/FOREIGN KEY/);
  });

  it('a transaction that fails leaves nothing', () => {
    const catalog = openHere();
    const work = () =>
      catalog.transaction(() => {
        catalog.tasks.insert({ id: 't', name: 'stories', createdAt: '2026-01-01' });
        insertAdapter(catalog, 'a1', 'nobody');
      });
    expect(work).toThrow(/FOREIGN KEY/);
    expect(catalog.tasks.list()).toEqual([]);
  });
});
