import { describe, expect, it } from 'vitest';
import { matching, parseView, sorted, tagCounts, viewQuery } from './adapterList.ts';

const adapter = (name: string, more: object = {}) => ({
  name,
  taskName: 'colours',
  tags: [] as string[],
  notes: '',
  modelName: 'Starter',
  baseHash: 'abc123',
  methodText: { name: 'LoRA', details: 'rank 8, q v' },
  valLoss: null as number | null,
  sizeBytes: 10,
  createdAt: '2026-01-01',
  ...more,
});
const names = (list: { name: string }[]) => list.map(({ name }) => name);

describe('search', () => {
  const list = [
    adapter('one', { tags: ['paper'] }),
    adapter('two', { notes: 'too Red' }),
    adapter('three', { taskName: 'shapes', modelName: null }),
  ];

  it.each([
    ['a word of the notes, whatever its case', 'red', ['two']],
    ['all words, in whatever field', 'paper rank', ['one']],
    ['the task', 'shapes', ['three']],
    ['the base by name', 'starter', ['one', 'two']],
    ['the base by hash', 'abc1', ['one', 'two', 'three']],
    ['nothing asked', ' ', ['one', 'two', 'three']],
    ['nothing found', 'paper red', []],
  ])('%s', (_name, text, want) => expect(names(matching(list, { text, tag: '' }))).toEqual(want));

  it('a tag must be one, not just a part of one', () => {
    expect(names(matching(list, { text: '', tag: 'paper' }))).toEqual(['one']);
    expect(matching(list, { text: '', tag: 'pap' })).toEqual([]);
  });
});

describe('order', () => {
  const list = [
    adapter('b', { valLoss: 2, sizeBytes: 5 }),
    adapter('a', { createdAt: '2026-02-01' }),
    adapter('c', { valLoss: 1, sizeBytes: 30, createdAt: '2026-01-15' }),
  ];

  it.each([
    ['newest' as const, ['a', 'c', 'b']],
    ['loss' as const, ['c', 'b', 'a']],
    ['size' as const, ['b', 'a', 'c']],
    ['name' as const, ['a', 'b', 'c']],
  ])('%s', (sort, want) => expect(names(sorted(list, sort))).toEqual(want));

  it('two without a validation loss are in order of time', () => {
    expect(names(sorted([adapter('old'), adapter('new', { createdAt: '2026-03-01' })], 'loss'))).toEqual([
      'new',
      'old',
    ]);
  });
});

it('the address keeps what is unusual, and reads it back', () => {
  const view = { text: 'red ball', sort: 'loss' as const, tag: 'v2', flat: true };
  expect(parseView(new URLSearchParams(viewQuery(view)))).toEqual(view);
  expect(viewQuery({ text: '', sort: 'newest', tag: '', flat: false })).toEqual({});
  expect(parseView(new URLSearchParams('sort=nonsense')).sort).toBe('newest');
});

it('counts tags, the most used first', () => {
  expect(tagCounts([{ tags: ['b', 'a'] }, { tags: ['b'] }])).toEqual([
    { tag: 'b', count: 2 },
    { tag: 'a', count: 1 },
  ]);
});
