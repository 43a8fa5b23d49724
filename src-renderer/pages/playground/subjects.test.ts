import { expect, it } from 'vitest';
import type { AdapterView, RegisteredModel, RunView, TaskView } from '../../lib/api.ts';
import { elsewhereOf, subjectsOf, switchRow } from './subjects.ts';

const model = { id: 'm', hash: 'h' } as RegisteredModel;
const lora = { type: 'lora', rank: 4, targets: ['q'] };

function adapter(id: string, taskName: string, changes: object = {}): AdapterView {
  return {
    id,
    name: id,
    taskName,
    modelId: 'm',
    baseHash: 'h',
    active: false,
    method: lora,
    methodText: { name: 'LoRA', details: 'rank 4' },
    createdAt: '2026-01-01T00:00:00Z',
    ...changes,
  } as AdapterView;
}

const adapters = [
  adapter('old', 'stories'),
  adapter('new', 'stories', { active: true }),
  adapter('imported', 'poems', { active: true, modelId: null }),
  adapter('foreign', 'poems', { modelId: 'n', baseHash: 'i' }),
  adapter('dora', 'stories', { method: { ...lora, dora: true } }),
  adapter('biased', 'stories', { method: { ...lora, bias: 'all' } }),
  adapter('prefix', 'stories', { method: { type: 'prefix' } }),
];
const runs = [
  { id: 'r1', name: 'half', modelId: 'm', interimAdapterDir: '/r1', interim: { steps: 40 } },
  { id: 'r2', name: 'going', modelId: 'm', interimAdapterDir: null },
  { id: 'r3', name: 'elsewhere', modelId: 'n', interimAdapterDir: '/r3' },
] as RunView[];

it('who can answer: the base, the adapters of its weights, and the paused runs on it', () => {
  const subjects = subjectsOf(model, adapters, runs);
  expect(subjects.map(({ key }) => key)).toEqual(['', 'old', 'new', 'imported', 'dora', 'biased', 'prefix', 'r1']);
  expect(subjects.filter(({ batched }) => !batched).map(({ key }) => key)).toEqual(['dora', 'biased', 'prefix', 'r1']);
  expect(subjects.at(-1)!.name).toBe('half-trained: half at step 40');
  expect(subjectsOf(undefined, adapters, runs)).toEqual([]);
});

it('one click reaches the base, the active adapter of each task by the name of the task, and half-trained ones', () => {
  const tasks = [
    { activeAdapterId: 'imported' },
    { activeAdapterId: null },
    { activeAdapterId: 'new' },
    { activeAdapterId: 'foreign' },
  ] as TaskView[];
  expect(switchRow(subjectsOf(model, adapters, runs), tasks).map(({ key, name }) => [key, name])).toEqual([
    ['', 'Plain base'],
    ['imported', 'poems'],
    ['new', 'stories'],
    ['r1', 'half-trained: half at step 40'],
  ]);
});

it('adapters of other bases are one click away too, with the base that is loaded first', () => {
  const other = { id: 'n', hash: 'i', name: 'Other' } as RegisteredModel;
  const more = [...adapters, adapter('active-there', 'poems', { active: true, modelId: 'n', baseHash: 'i' })];
  const found = elsewhereOf(model, [model, other], more);
  expect(found.map(({ key, name, base }) => [key, name, base.name])).toEqual([
    ['active-there', 'poems: active-there', 'Other'],
    ['foreign', 'poems: foreign', 'Other'],
  ]);
  expect(elsewhereOf(other, [model, other], more).map(({ key }) => key)).not.toContain('foreign');
  expect(elsewhereOf(model, [model], more)).toEqual([]); // its base is not in the catalogue
});
