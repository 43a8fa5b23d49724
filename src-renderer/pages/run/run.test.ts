import { expect, test } from 'vitest';
import type { RunView } from '../../lib/api.ts';
import { changedWords } from './changedWords.ts';
import { flatSettings } from '../../../src-shared/flatSettings.ts';
import { nextSteps, startAgain } from './nextSteps.ts';

const failed = (
  code: string,
  changes: {
    details?: Record<string, unknown>;
    resumable?: boolean;
    batch?: number;
    gradientCheckpointing?: boolean;
  } = {},
) => {
  const { details = {}, resumable = false, batch = 8, gradientCheckpointing = false } = changes;
  const spec = {
    task: 'describe',
    engine: 'auto',
    method: { type: 'lora' },
    model: { dir: '/m/starter' },
    data: { file: '/d/rows.jsonl', maxLength: 256, lossOn: 'completion', version: 2, excludeLines: [3, 9] },
    train: { batch, lr: 2e-4, gradientCheckpointing },
  };
  return {
    id: 'r',
    name: 'mine',
    modelId: 'm1',
    datasetId: 'd1',
    status: 'failed',
    resumable,
    error: { code, message: '', details },
    spec,
  } as unknown as RunView;
};
const labels = (run: RunView, checkpoint?: number) => nextSteps(run, checkpoint).map(({ label }) => label);

test('a run that was cut off resumes from its checkpoint, or starts again where there is none', () => {
  expect(labels(failed('RUN_ABANDONED', { resumable: true }), 50)).toEqual(['Resume from step 50']);
  expect(labels(failed('RUN_ABANDONED', { resumable: true }))).toEqual(['Resume']);
  expect(labels(failed('RUN_ABANDONED'))).toEqual(['Start again']);
});

test('a run on another machine resumes, starts again and is mended there', () => {
  const away = { target: 'lab' } as RunView['away'];
  expect(labels({ ...failed('AWAY_ENDED', { resumable: true }), away }, 50)).toEqual(['Resume from step 50']);
  expect(labels({ ...failed('TARGET_NOT_READY'), away })).toEqual(['See the other machines', 'Start again']);
  expect(labels({ ...failed('DISK_FULL'), away })).toEqual(['Start again']);
  expect(startAgain({ ...failed('AWAY_ENDED'), away })).toMatchObject({ target: 'lab' });
  expect(startAgain(failed('AWAY_ENDED'))).not.toHaveProperty('target');
});

test('out of memory: half the batch where that can help, else checkpointing, else shorter rows', () => {
  expect(nextSteps(failed('MEMORY_LIMIT'), undefined)).toEqual([
    { kind: 'again', label: 'Start again with half the batch', changes: { train: { batch: 4 } } },
  ]);
  expect(labels(failed('OUT_OF_MEMORY'))).toEqual(['Start again with gradient checkpointing']);
  expect(nextSteps(failed('OUT_OF_MEMORY', { gradientCheckpointing: true }), undefined)[0]).toMatchObject({
    changes: { data: { maxLength: 128 } },
  });
});

test('a missing model leads to the models, a missing file of rows to the datasets', () => {
  expect(nextSteps(failed('CHECKPOINT_NOT_FOUND'), undefined)[0]).toEqual({
    kind: 'open',
    label: 'Relocate the model',
    href: '#/models/m1',
  });
  expect(labels(failed('NOT_FOUND', { details: { path: '/m/starter/config.json' } }))[0]).toBe('Relocate the model');
  expect(labels(failed('NOT_FOUND', { details: { path: '/d/rows.jsonl' } }))[0]).toBe('See the dataset');
});

test('once the model has been relocated it is not asked for again', () => {
  const gone = (dir: string) =>
    labels(failed('CHECKPOINT_NOT_FOUND', { details: { dir, checkpointStep: 4 }, resumable: true }), 4);
  expect(gone('/m/starter')).toEqual(['Relocate the model', 'Resume from step 4']);
  expect(gone('/old/starter')).toEqual(['Resume from step 4']);
});

test('started again is the same run with what was changed', () => {
  const request = startAgain(failed('OUT_OF_MEMORY'), { train: { batch: 2 } });
  expect(request).toMatchObject({
    modelId: 'm1',
    datasetId: 'd1',
    datasetVersion: 2,
    taskName: 'describe',
    name: 'mine',
    train: { batch: 2, lr: 2e-4 },
    data: { maxLength: 256, excludeLines: [3, 9] },
  });
  expect(startAgain({ ...failed('X'), modelId: null })).toBeUndefined();
});

test('words that are new are marked, those that only moved along are not', () => {
  const parts = changedWords('the cat sat', 'the black cat sat down');
  expect(parts.map(({ text }) => text).join('')).toBe('the black cat sat down');
  expect(parts.filter(({ changed }) => changed).map(({ text }) => text.trim())).toEqual(['black', 'down']);
  expect(changedWords('', 'all new').every(({ text, changed }) => changed || text === ' ')).toBe(true);
  expect(changedWords('same here', 'same here')).toEqual([{ text: 'same here', changed: false }]);
});

test('which objective it is stands before its settings, and goes along when the run is started again', () => {
  const { spec, ...run } = failed('X');
  const objective = { beta: 0.2, loss: 'sigmoid', labelSmoothing: 0, type: 'dpo' } as const;
  const names = flatSettings({ ...spec, objective }).map(([name]) => name);
  expect(names.filter((name) => name.startsWith('objective'))).toEqual([
    'objective.type',
    'objective.beta',
    'objective.loss',
    'objective.labelSmoothing',
  ]);
  const own = { promptTemplate: 'own', ownTemplate: '{{ messages }}' } as const;
  const request = startAgain({ ...run, spec: { ...spec, objective, data: { ...spec.data, ...own } } });
  expect(request).toMatchObject({ objective, data: own });
});

test('every setting has a name that says where it belongs; what is not set is left out', () => {
  const settings = new Map(flatSettings(failed('X').spec));
  expect([settings.get('method.type'), settings.get('train.batch'), settings.get('data.maxLength')]).toEqual([
    'lora',
    8,
    256,
  ]);
  expect(settings.has('baseDtype')).toBe(false);
});
