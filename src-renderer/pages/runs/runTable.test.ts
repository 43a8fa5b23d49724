import { expect, test } from 'vitest';
import type { RunView } from '../../lib/api.ts';
import { between, filterRuns, moved, sortRuns, tagCounts, type Filter } from './runTable.ts';

const run = (name: string, changes: Partial<RunView> & { task?: string } = {}): RunView => {
  const { task = 'describe', ...rest } = changes;
  return {
    id: name,
    name,
    status: 'completed',
    tags: [],
    notes: '',
    archivedAt: null,
    spec: { task, model: { dir: '/models/starter/model' }, data: { file: '/data/cats.jsonl' } },
    methodText: { name: 'LoRA', details: 'rank 8' },
    started: null,
    result: null,
    ...rest,
  } as RunView;
};
const everything: Filter = { search: '', status: 'all', tag: '', archived: false };
const names = (runs: RunView[]) => runs.map(({ name }) => name);

test('every word must be found somewhere, and the state must be the chosen one', () => {
  const runs = [run('a'), run('b', { task: 'extract' }), run('c', { status: 'failed' })];
  expect(names(filterRuns(runs, everything))).toEqual(['a', 'b', 'c']);
  expect(names(filterRuns(runs, { ...everything, search: 'EXTRACT starter' }))).toEqual(['b']);
  expect(names(filterRuns(runs, { ...everything, search: 'extract prefix' }))).toEqual([]);
  expect(names(filterRuns(runs, { ...everything, search: 'rank', status: 'failed' }))).toEqual(['c']);
});

test('tags, notes and the data are searched too, and archived runs are a list of their own', () => {
  const runs = [
    run('a', { tags: ['good', 'long'], notes: 'Too slow.' }),
    run('b', { tags: ['good'] }),
    run('c', { archivedAt: '2026-01-01', tags: ['old'] }),
  ];
  const found = (filter: Partial<Filter>) => names(filterRuns(runs, { ...everything, ...filter }));
  expect(found({})).toEqual(['a', 'b']);
  expect(found({ archived: true })).toEqual(['c']);
  expect(found({ tag: 'long' })).toEqual(['a']);
  expect(found({ search: 'good slow' })).toEqual(['a']);
  expect(found({ search: 'cats' })).toEqual(['a', 'b']);
  expect(tagCounts(runs)).toEqual([
    { tag: 'good', count: 2 },
    { tag: 'long', count: 1 },
    { tag: 'old', count: 1 },
  ]);
});

test('a span of a list, either way round; without a place of its own only where it ends', () => {
  expect(between(['a', 'b', 'c', 'd'], 'b', 'd')).toEqual(['b', 'c', 'd']);
  expect(between(['a', 'b', 'c', 'd'], 'c', 'a')).toEqual(['a', 'b', 'c']);
  expect(between(['a', 'b'], 'gone', 'b')).toEqual(['b']);
});

test('sorted either way, with those that have no value last', () => {
  const loss = (finalLoss: number) => ({ result: { finalLoss } }) as Partial<RunView>;
  const runs = [run('none'), run('high', loss(3)), run('low', loss(1))];
  expect(names(sortRuns(runs, { key: 'loss', descending: false }))).toEqual(['low', 'high', 'none']);
  expect(names(sortRuns(runs, { key: 'loss', descending: true }))).toEqual(['high', 'low', 'none']);
  expect(names(sortRuns([run('run 10'), run('run 9')], { key: 'name', descending: false }))).toEqual([
    'run 9',
    'run 10',
  ]);
});

test('runs are sorted by the time that their steps took, pauses aside', () => {
  const took = (trainingMs: number | null) => ({ trainingMs, startedAt: '2026-01-01', endedAt: '2026-01-09' });
  const runs = [run('going', took(null)), run('long', took(9000)), run('short', took(500))];
  expect(names(sortRuns(runs, { key: 'duration', descending: false }))).toEqual(['short', 'long', 'going']);
});

test('an item moves to a place, at most to the ends', () => {
  expect(moved(['a', 'b', 'c'], 2, 0)).toEqual(['c', 'a', 'b']);
  expect(moved(['a', 'b', 'c'], 0, 1)).toEqual(['b', 'a', 'c']);
  expect(moved(['a', 'b', 'c'], 0, 9)).toEqual(['b', 'c', 'a']);
  expect(moved(['a', 'b', 'c'], 0, -1)).toEqual(['a', 'b', 'c']);
});
