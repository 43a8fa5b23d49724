import { afterEach, expect, it } from 'vitest';
import Database from 'better-sqlite3';
import type { Suite } from '../../src-shared/suites.ts';
import { migrate } from './migrate.ts';
import { migrations } from './migrations/index.ts';
import { suiteQueries, type SuiteContent, type SuiteResult } from './suites.ts';

const open: Database.Database[] = [];
afterEach(() => open.splice(0).forEach((db) => db.close()));

const SUITE: Suite & SuiteContent = {
  id: 's',
  name: 'facts',
  afterTaskId: null,
  createdAt: '2026-01-03',
  spec: {
    datasetId: 'd',
    datasetName: 'data',
    version: 2,
    rows: { kind: 'sample', count: 1, seed: 3 },
    task: 'answer',
    metrics: ['exactMatch'],
    generation: { maxNew: 8, temperature: 0, seed: 0, stop: ['\n'] },
    plan: { kind: 'completion', columns: { prompt: 'q', completion: 'a' } },
    questions: 1,
  },
  questions: [{ line: 4, prompt: 'Größe?', references: ['1', '2'], values: { q: 'Größe?', a: '1' } }],
  general: [{ line: 1, values: { text: 'x' } }],
};

const result = (subjectId: string, text: string): SuiteResult => ({
  suiteId: 's',
  subjectId,
  modelId: 'm',
  adapterId: null,
  name: subjectId,
  scores: { exactMatch: 100 },
  askedAs: null,
  contamination: null,
  problems: 0,
  engine: 'wasm',
  createdAt: '2026-01-04',
  answers: [{ text }],
  statistics: { exactMatch: [[100]] },
});

it('a catalogue of before gets suites; a subject has one result, and a suite takes its results with it', () => {
  const db = new Database(':memory:');
  open.push(db);
  db.pragma('foreign_keys = ON');
  migrate(db, migrations.slice(0, 15));
  db.exec(`INSERT INTO settings (key, value) VALUES ('kept', '1')`);
  migrate(db);
  expect(db.prepare('SELECT count(*) AS n FROM settings').get()).toEqual({ n: 1 });
  const suites = suiteQueries(db);
  suites.insert(SUITE);
  const { questions, general, ...suite } = SUITE;
  expect([suites.list(), suites.get('s'), suites.named('facts')]).toEqual([[suite], suite, suite]);
  expect(suites.content('s')).toEqual({ questions, general });
  expect(() => suites.insert({ ...SUITE, id: 't' })).toThrow(/UNIQUE/);
  suites.putResult(result('m', 'one'));
  suites.putResult(result('a', 'two'));
  suites.putResult(result('m', 'three'));
  expect(suites.result('s', 'm')).toEqual(result('m', 'three'));
  const { answers: _answers, statistics: _statistics, ...facts } = result('a', 'two');
  expect(
    suites
      .results('s')
      .map(({ subjectId }) => subjectId)
      .sort(),
  ).toEqual(['a', 'm']);
  expect(suites.results('s')).toContainEqual(facts);
  expect(() => suites.putResult({ ...result('m', 'x'), suiteId: 'none' })).toThrow(/FOREIGN KEY/);
  suites.remove('s');
  expect([suites.list(), suites.results('s'), suites.content('s')]).toEqual([[], [], undefined]);
});
