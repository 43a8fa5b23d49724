import { describe, expect, it, test } from 'vitest';
import type { RunView, StartRun } from '../../lib/api.ts';
import { cellsForModel, freshDraft, methodFields, runFields, type Draft } from './draft.ts';
import { descriptorOf } from '../../../src-shared/methods/registry.ts';
import { parseDraft } from './keptDraft.ts';
import { valueOf } from './methodForm.ts';
import { columns } from './matrices.ts';
import { TRAIN_DEFAULTS } from '../../../src-shared/settings/training.ts';
import { GROUPS } from './trainFields.ts';

const LLAMA = { layers: 4, targets: ['q', 'k', 'v', 'o'] };
const DRAFT: Draft = {
  ...freshDraft(),
  step: 'schedule',
  modelId: 'm1',
  datasetId: 'd1',
  datasetVersion: 3,
  excluded: { version: 3, lines: [4, 9] },
  taskName: 'colours',
  settings: { rank: 4, dora: true, factor: 8 },
  chosen: ['0.q', '3.v'],
  ranks: { '3.v': 16 },
  alphaPattern: { v: 2.5 },
  topLayers: 2,
  preset: 'custom',
  lengthIn: 'steps',
  byHand: ['batch', 'maxLength'],
  classify: true,
  controlTokens: true,
  startsFrom: 'adapter-1',
  train: { ...freshDraft().train, steps: 7, beta1: 0.8, samplePrompts: ['One day,'], memoryLimitBytes: 4e8 },
};
const kept = (changes: object): Draft => parseDraft(JSON.stringify({ ...DRAFT, ...changes }));

describe('a draft that was kept', () => {
  test('comes back as it was', () => {
    expect(parseDraft(JSON.stringify(DRAFT))).toEqual(DRAFT);
    expect(parseDraft(JSON.stringify(freshDraft()))).toEqual(freshDraft());
  });

  test('of before there were versions of datasets is still read', () => {
    const { datasetVersion: _version, excluded: _excluded, ...before } = DRAFT;
    expect(parseDraft(JSON.stringify(before))).toEqual({ ...DRAFT, datasetVersion: undefined, excluded: null });
  });

  test('an empty number box is not kept, and has its usual value again', () => {
    const draft = kept({ settings: { rank: undefined }, topLayers: undefined });
    expect(valueOf(descriptorOf('lora'), draft.settings, 'rank')).toBe(8);
    expect(draft).toMatchObject({
      topLayers: undefined,
      modelId: 'm1',
    });
  });

  it.each([
    ['nothing', null],
    ['no JSON', '{"version":2,"step":"da'],
    ['no object', '[1,2]'],
    ['null', 'null'],
    ['another version', JSON.stringify({ ...DRAFT, version: 1 })],
    ['no version', JSON.stringify({ ...DRAFT, version: undefined })],
  ])('%s counts as a fresh one', (_name, text) => expect(parseDraft(text)).toEqual(freshDraft()));

  it.each<[string, object]>([
    ['a step that does not exist', { step: 'targets' }],
    ['a method that does not exist', { method: 'qlora' }],
    ['a preset that does not exist', { preset: 'slow' }],
    ['a text for a number', { settings: { rank: '8' } }],
    ['null for a number', { settings: { rank: null } }],
    ['a text for a list', { chosen: '0.q' }],
    ['a list of numbers for cells', { chosen: [0, 1] }],
    ['a list for ranks', { ranks: [8] }],
    ['a text for a rank', { ranks: { '0.q': '8' } }],
    ['no training settings', { train: null }],
    ['a text for a training setting', { train: { ...DRAFT.train, batch: 'many' } }],
    ['a text for a switch', { settings: { dora: 'yes' } }],
    ['a text for a version', { datasetVersion: '2' }],
    ['excluded lines without a version', { excluded: { lines: [1] } }],
    ['excluded lines that are none', { excluded: { version: 1, lines: 'all' } }],
  ])('%s: damaged, so a fresh one', (_name, damage) => expect(kept(damage)).toEqual(freshDraft()));
});

describe('another model', () => {
  test('has the whole columns that both have, else the usual ones', () => {
    expect(
      cellsForModel(LLAMA, columns(LLAMA, ['k', 'o']), { layers: 2, targets: ['q', 'k', 'v', 'o'] }, ['v']),
    ).toEqual(['0.k', '0.o', '1.k', '1.o']);
    expect(
      cellsForModel(LLAMA, columns(LLAMA, ['k']).slice(1), { layers: 2, targets: ['q', 'k', 'v'] }, ['q', 'v']),
    ).toEqual(['0.q', '0.v', '1.q', '1.v']);
    expect(cellsForModel(LLAMA, columns(LLAMA, ['q']), { layers: 1, targets: ['qkv', 'fc'] }, ['qkv'])).toEqual([
      '0.qkv',
    ]);
    expect(cellsForModel(undefined, [], { layers: 1, targets: ['q', 'v'] }, ['q', 'v'])).toEqual(['0.q', '0.v']);
  });
});

describe('the settings of an earlier run', () => {
  const run = (
    changes: { data?: object; train?: object; name?: string } = {},
  ): Pick<RunView, 'name' | 'spec' | 'datasetId'> => ({
    name: changes.name ?? 'colours',
    datasetId: 'd1',
    spec: {
      task: 'colours',
      engine: 'tensorflow',
      data: { file: '/d/rows.jsonl', lossOn: 'all', maxLength: 99, version: 2, ...changes.data },
      train: { batch: 3, epochs: 2, ...changes.train },
    } as RunView['spec'],
  });

  test('data, with its version and what was left out of it', () => {
    expect(runFields(run())).toMatchObject({
      datasetId: 'd1',
      datasetVersion: 2,
      excluded: null,
      lossOn: 'all',
      maxLength: 99,
      classify: false,
      engine: 'tensorflow',
      baseDtype: 'f32',
      embeddingDtype: 'f32',
    });
    expect(runFields(run({ data: { excludeLines: [5, 8], classify: true } }))).toMatchObject({
      excluded: { version: 2, lines: [5, 8] },
      classify: true,
    });
    // Lines of nobody knows which version are no lines to leave out.
    expect(runFields(run({ data: { excludeLines: [5], version: undefined } }))).toMatchObject({
      datasetVersion: undefined,
      excluded: null,
    });
  });

  test('training, in steps where it had steps', () => {
    expect(runFields(run())).toMatchObject({ preset: 'custom', lengthIn: 'epochs', train: { batch: 3, epochs: 2 } });
    expect(runFields(run({ train: { steps: 9 } }))).toMatchObject({ lengthIn: 'steps', train: { steps: 9 } });
  });

  test('a name of its own only where it was not the task', () => {
    expect([runFields(run()).name, runFields(run({ name: 'second try' })).name]).toEqual(['', 'second try']);
    const { task } = run().spec;
    expect(runFields(run({ name: task }), [task]).name).toBe(`${task} 2`);
    expect(runFields(run({ name: 'second try' }), ['second try', 'second try 2']).name).toBe('second try 3');
  });

  const cells = { chosen: ['0.q'], ranks: { '0.q': 4 } };
  it.each<[StartRun['method'], Partial<Draft>]>([
    [
      {
        type: 'lora',
        rank: 4,
        alpha: 3,
        dora: true,
        bias: 'all',
        loraPlusRatio: 16,
        init: 'pissa',
        alphaPattern: { q: 2 },
      },
      {
        method: 'lora',
        settings: { rank: 4, alpha: 3, dora: true, bias: 'all', loraPlusRatio: 16, init: 'pissa' },
        alphaPattern: { q: 2 },
        ...cells,
      },
    ],
    [{ type: 'lora' }, { method: 'lora', settings: {}, alphaPattern: {}, ...cells }],
    [
      { type: 'lokr', rank: 2, alpha: 5, factor: 4 },
      { method: 'lokr', settings: { rank: 2, alpha: 5, factor: 4 }, ...cells },
    ],
    [
      { type: 'loha', rank: 2, alpha: 5 },
      { method: 'loha', settings: { rank: 2, alpha: 5 }, ...cells },
    ],
    [
      { type: 'full', layers: [10, 11] },
      { method: 'full', topLayers: 2 },
    ],
    [{ type: 'full' }, { method: 'full', topLayers: undefined }],
    [{ type: 'bitfit' }, { method: 'bitfit' }],
    [
      { type: 'adapter', kind: 'lin', bottleneck: 4, skipLayers: 1 },
      { method: 'adapter', settings: { kind: 'lin', bottleneck: 4, skipLayers: 1 } },
    ],
    [
      { type: 'prefix', kind: 'layer', prefixLength: 3, infixLength: 2 },
      { method: 'prefix', settings: { kind: 'layer', prefixLength: 3, infixLength: 2 } },
    ],
  ])('%j', (method, fields) => expect(methodFields(method, cells, 12)).toEqual(expect.objectContaining(fields)));
});

test('every field of the groups has the default that the command line has, and a switch is off', () => {
  const { train } = freshDraft();
  for (const key of GROUPS.flatMap(({ fields, switches }) => [...fields, ...switches]))
    expect(train[key], key).toEqual(TRAIN_DEFAULTS[key]);
  for (const key of GROUPS.flatMap(({ switches }) => switches)) expect(train[key], key).toBe(false);
});

test('a fresh draft asks for what the command line does without options', () => {
  const { train, lossOn, maxLength } = freshDraft();
  expect({ ...TRAIN_DEFAULTS, ...train, steps: undefined }).toEqual({ ...TRAIN_DEFAULTS, steps: undefined });
  expect({ lossOn, maxLength }).toEqual({ lossOn: 'completion', maxLength: 256 });
  expect(train).toMatchObject({ batch: 8, epochs: 3, warmup: 0.05, lr: 2e-4, schedule: 'linear' });
});
