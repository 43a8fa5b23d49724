import { expect, test } from 'vitest';
import type { RowShape } from '../../../src-shared/datasets.ts';
import { freshDraft, runFields } from './draft.ts';
import { parseDraft } from './keptDraft.ts';
import { objectiveFor, objectiveProblem, objectiveRequest, offeredFor, shownSettings } from './objectiveForm.ts';
import { requestOf } from './request.ts';
import type { RunView } from '../../lib/api.ts';

const PAIRS: RowShape = { kind: 'preference', marked: false };
const MARKED: RowShape = { kind: 'completion', marked: true };
const PLAIN: RowShape = { kind: 'messages', marked: false };

test('pairs are for objectives only, marked answers for KTO or as they stand, others as they stand', () => {
  expect(offeredFor(PAIRS)).toEqual(['dpo', 'orpo', 'simpo', 'kto']);
  expect(offeredFor(MARKED)).toEqual(['kto', 'supervised']);
  expect(offeredFor(PLAIN)).toEqual(['supervised']);
  expect([PAIRS, MARKED, PLAIN, undefined].map((shape) => objectiveFor('auto', shape))).toEqual([
    'dpo',
    'kto',
    'supervised',
    'supervised',
  ]);
  expect(objectiveFor('supervised', PAIRS)).toBe('dpo');
  expect(objectiveFor('simpo', PAIRS)).toBe('simpo');
  expect(objectiveFor('simpo', MARKED)).toBe('kto');
  expect(objectiveFor('supervised', MARKED)).toBe('supervised');
});

test('a request names every setting of the objective, and none of another', () => {
  expect(objectiveRequest('supervised', { beta: 3 })).toBeUndefined();
  expect(objectiveRequest('dpo', { beta: 0.3, gamma: 2 })).toEqual({
    type: 'dpo',
    beta: 0.3,
    loss: 'sigmoid',
    labelSmoothing: 0,
  });
  expect(objectiveRequest('simpo', {})).toEqual({ type: 'simpo', beta: 2, gamma: 0.5, labelSmoothing: 0 });
});

test('IPO has no flipped pairs: neither shown nor sent', () => {
  const entered = { loss: 'ipo', labelSmoothing: 0.1 };
  expect(shownSettings('dpo', entered)).toEqual(['beta', 'loss']);
  expect(objectiveRequest('dpo', entered)).toMatchObject({ loss: 'ipo', labelSmoothing: 0 });
});

test('a number beyond its bounds is a problem with those bounds', () => {
  expect(objectiveProblem('dpo', { beta: 0 })).toBe('Beta must be a number above 0.');
  expect(objectiveProblem('dpo', { labelSmoothing: 0.5 })).toBe('Flipped pairs must be a number from 0 to below 0.5.');
  expect(objectiveProblem('dpo', {})).toBeUndefined();
});

test('the draft keeps the objective; one with a setting that no objective has is damaged', () => {
  const draft = { ...freshDraft(), objective: 'simpo' as const, objectiveSettings: { gamma: 1 } };
  expect(parseDraft(JSON.stringify(draft))).toEqual(draft);
  expect(parseDraft(JSON.stringify({ ...draft, objectiveSettings: { gamma: 'much' } }))).toEqual(freshDraft());
  expect(parseDraft(JSON.stringify({ ...draft, objective: 'ppo' }))).toEqual(freshDraft());
});

test('an earlier run gives its objective, and one without is supervised', () => {
  const spec = { data: {}, train: {}, task: 't' } as RunView['spec'];
  const objective = { type: 'dpo', beta: 0.2, loss: 'sigmoid', labelSmoothing: 0 } as const;
  const fields = runFields({ name: 'r', spec: { ...spec, objective }, datasetId: 'd' });
  expect(objectiveRequest('dpo', fields.objectiveSettings!)).toEqual(objective);
  expect(fields.objective).toBe('dpo');
  expect(runFields({ name: 'r', spec, datasetId: 'd' }).objective).toBe('supervised');
});

test('what means nothing beside an objective is not sent', () => {
  const draft = { ...freshDraft(), lossOn: 'all' as const, classify: true };
  draft.train.labelSmoothing = 0.1;
  const parts = {
    version: { number: 1, excludedLines: [] },
    taskName: 't',
    samplePrompts: [],
    method: { type: 'lora' as const },
  };
  const request = requestOf(draft, { ...parts, objective: objectiveRequest('dpo', {}) });
  expect(request.train).toMatchObject({ labelSmoothing: 0 });
  expect(request.data).toMatchObject({ lossOn: 'completion' });
  expect(request.data).not.toHaveProperty('classify');
  expect(requestOf(draft, parts).data).toMatchObject({ lossOn: 'all', classify: true });
});
