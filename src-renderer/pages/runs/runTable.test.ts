import { expect, test } from 'vitest';
import type { RunView } from '../../lib/api.ts';
import { filterRuns, moved, sortRuns } from './runTable.ts';

const run = (name: string, changes: Partial<RunView> & { task?: string } = {}): RunView => {
  const { task = 'describe', ...rest } = changes;
  return {
    id: name,
    name,
    status: 'completed',
    spec: { task, model: { dir: '/models/starter/model' } },
    methodText: { name: 'LoRA', details: 'rank 8' },
    started: null,
    result: null,
    ...rest,
  } as RunView;
};
const names = (runs: RunView[]) => runs.map(({ name }) => name);

test('every word must be found somewhere, and the state must be the chosen one', () => {
  const runs = [run('a'), run('b', { task: 'extract' }), run('c', { status: 'failed' })];
  expect(names(filterRuns(runs, { search: '', status: 'all' }))).toEqual(['a', 'b', 'c']);
  expect(names(filterRuns(runs, { search: 'EXTRACT starter', status: 'all' }))).toEqual(['b']);
  expect(names(filterRuns(runs, { search: 'extract prefix', status: 'all' }))).toEqual([]);
  expect(names(filterRuns(runs, { search: 'rank', status: 'failed' }))).toEqual(['c']);
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
