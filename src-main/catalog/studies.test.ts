import { afterEach, expect, it } from 'vitest';
import Database from 'better-sqlite3';
import { migrate } from './migrate.ts';
import { migrations } from './migrations/index.ts';
import { runQueries } from './runs.ts';
import { studyQueries, type StudySpec } from './studies.ts';

const open: Database.Database[] = [];
afterEach(() => open.splice(0).forEach((db) => db.close()));

const SPEC: StudySpec = { plan: { kind: 'ranks' }, variants: [], seeds: [4, -1], rungs: [2, 4], notes: ['A note.'] };

it('a catalogue of before gets studies; a run that is removed leaves its study, and takes no other with it', () => {
  const db = new Database(':memory:');
  open.push(db);
  db.pragma('foreign_keys = ON');
  migrate(db, migrations.slice(0, 8));
  const insert = db.prepare(
    `INSERT INTO runs (id, name, status, spec, created_at) VALUES (?, '', 'completed', '{}', '2026-01-02')`,
  );
  for (const id of ['a', 'b', 'c']) insert.run(id);
  migrate(db);
  const studies = studyQueries(db);
  expect(studies.list()).toEqual([]);
  studies.insert({ id: 's', name: 'ranks', spec: SPEC, createdAt: '2026-01-03' });
  studies.addRun('s', { variant: 1, seed: -1, runId: 'c' });
  studies.addRun('s', { variant: 0, seed: 4, runId: 'a' });
  studies.addRun('s', { variant: 0, seed: -1, runId: 'b' });
  expect(() => studies.addRun('s', { variant: 1, seed: 4, runId: 'a' })).toThrow(/UNIQUE/);
  studies.prune('c', 2);
  studies.setRungsDone('s', 1);
  studies.setCancelled('s', '2026-01-04');
  expect(studies.get('s')).toEqual({
    id: 's',
    name: 'ranks',
    spec: SPEC,
    rungsDone: 1,
    cancelledAt: '2026-01-04',
    createdAt: '2026-01-03',
  });
  expect(studies.runs('s').map(({ runId, prunedStep }) => [runId, prunedStep])).toEqual([
    ['b', null],
    ['c', 2],
    ['a', null],
  ]);
  runQueries(db).remove('c');
  expect(studies.runs('s').map(({ runId }) => runId)).toEqual(['b', 'a']);
  studies.remove('s');
  expect(runQueries(db).count()).toBe(2);
});
