/** History and votes of the playground, on a catalogue that an older Graft has filled. */
import fs from 'node:fs';
import os from 'node:os';
import path from 'node:path';
import Database from 'better-sqlite3';
import { afterEach, beforeEach, expect, it } from 'vitest';
import { openCatalog } from './catalog.ts';
import type { Catalog } from './catalog.ts';
import { migrate } from './migrate.ts';
import { migrations } from './migrations/index.ts';
import type { HistoryEntry } from './playground.ts';

const BEFORE = 4;
let dir: string;
let catalog: Catalog;

beforeEach(() => {
  dir = fs.mkdtempSync(path.join(os.tmpdir(), 'graft-playground-'));
  const file = path.join(dir, 'graft.db');
  const old = new Database(file);
  migrate(old, migrations.slice(0, BEFORE));
  old.exec(`
    INSERT INTO base_models (id, name, dir, hash, details, created_at)
      VALUES ('m', 'tiny', '/m', 'h', '{}', '2026-01-01'), ('n', 'other', '/n', 'i', '{}', '2026-01-01');
    INSERT INTO tasks (id, name, created_at) VALUES ('t', 'stories', '2026-01-01');
    INSERT INTO adapters (id, name, task_id, base_hash, dir, sha256, size_bytes, method, final_loss, created_at)
      VALUES ('a', 'a', 't', 'h', '/a', 's', 1, '{}', 1, '2026-01-01'),
             ('b', 'b', 't', 'h', '/b', 's', 1, '{}', 1, '2026-01-01');`);
  old.close();
  catalog = openCatalog(file);
});

afterEach(() => {
  catalog.close();
  fs.rmSync(dir, { recursive: true, force: true });
});

const entry = (id: string, title: string, second: number): HistoryEntry => ({
  id,
  modelId: 'm',
  modelName: 'tiny',
  title,
  request: {
    mode: 'completion',
    compare: false,
    blind: false,
    system: '',
    prompts: [title],
    sampling: { maxNew: 8, temperature: 0, stop: ['x'] },
  },
  answers: [{ by: null, name: 'Plain base', text: 'yes', tokens: 1, tokensPerSecond: 9, stopReason: 'eos' }],
  createdAt: `2026-01-01T00:00:0${second}Z`,
});

it('history comes back as it went in, newest first, and is found by its words', () => {
  const { history } = catalog.playground;
  const entries = [entry('1', 'A red ball', 1), entry('2', '100% wool_x', 2), entry('3', 'a RED house', 3)];
  entries.forEach((one) => history.save(one));
  expect(history.get('1')).toEqual(entries[0]);
  expect(history.list('', 10).map(({ id }) => id)).toEqual(['3', '2', '1']);
  expect(history.list('', 2).map(({ id }) => id)).toEqual(['3', '2']);
  expect(history.list('red', 10).map(({ id }) => id)).toEqual(['3', '1']);
  expect(history.list('0%', 10).map(({ id }) => id)).toEqual(['2']);
  expect(history.list('l_x', 10).map(({ id }) => id)).toEqual(['2']);
  expect(history.list('d_b', 10)).toEqual([]);
  expect(history.list('TINY', 10)).toHaveLength(3);
});

it('saving an entry again brings it up to date in its place; a removed model leaves it its name', () => {
  const { history } = catalog.playground;
  history.save(entry('1', 'first', 1));
  history.save(entry('2', 'second', 2));
  history.save({ ...entry('1', 'first and more', 9), answers: [] });
  expect(history.list('', 10).map(({ title }) => title)).toEqual(['second', 'first and more']);
  catalog.models.remove('m');
  expect(history.get('1')).toMatchObject({ modelId: null, modelName: 'tiny', answers: [] });
  expect(history.remove('1')).toBe(true);
  expect(history.remove('1')).toBe(false);
  expect(history.clear()).toBe(1);
  expect(history.list('', 10)).toEqual([]);
});

it('votes add up per adapter and base, and are forgotten with either', () => {
  const { votes } = catalog.playground;
  votes.cast(
    'm',
    [
      { adapterId: null, outcome: 'lost' },
      { adapterId: 'a', outcome: 'won' },
      { adapterId: 'b', outcome: 'lost' },
    ],
    '2026-01-01',
  );
  votes.cast(
    'm',
    [
      { adapterId: null, outcome: 'tied' },
      { adapterId: 'a', outcome: 'tied' },
    ],
    '2026-01-02',
  );
  votes.cast(
    'n',
    [
      { adapterId: null, outcome: 'won' },
      { adapterId: 'a', outcome: 'lost' },
    ],
    '2026-01-03',
  );
  expect(votes.scores('m')).toEqual([
    { adapterId: null, won: 0, tied: 1, lost: 1 },
    { adapterId: 'a', won: 1, tied: 1, lost: 0 },
    { adapterId: 'b', won: 0, tied: 0, lost: 1 },
  ]);
  catalog.adapters.remove('b');
  expect(votes.scores('m').map(({ adapterId }) => adapterId)).toEqual([null, 'a']);
  votes.reset('m');
  expect(votes.scores('m')).toEqual([]);
  expect(votes.scores('n')).toHaveLength(2);
});

it('a vote with an adapter that does not exist leaves nothing', () => {
  const { votes } = catalog.playground;
  expect(() =>
    votes.cast(
      'm',
      [
        { adapterId: null, outcome: 'won' },
        { adapterId: 'nobody', outcome: 'lost' },
      ],
      '2026-01-01',
    ),
  ).toThrow(/FOREIGN KEY/);
  expect(votes.scores('m')).toEqual([]);
});
