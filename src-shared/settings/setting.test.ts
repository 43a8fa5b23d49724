import { expect, it } from 'vitest';
import { z } from 'zod';
import { boundsOf, choicesOf, defaultOf, kindOf, schemaOf, type Setting } from './setting.ts';
import { checkTrainSettings, TRAIN_DEFAULTS, trainSettingsSchema } from './training.ts';

const of = (schema: z.ZodType): Setting => ({ schema, label: 'Label', help: 'Help.' });

it.each([
  [z.boolean().optional(), 'switch'],
  [z.number().default(1), 'number'],
  [z.enum(['a', 'b']).optional(), 'choice'],
  [z.string(), 'text'],
  [z.array(z.enum(['a', 'b'])).min(1), 'choices'],
  [z.array(z.string().trim()).default([]), 'texts'],
  [z.array(z.number().int()), 'integers'],
  [z.record(z.string(), z.number().positive()).optional(), 'numbersByName'],
  [z.record(z.string(), z.string()).default({}), 'textsByName'],
])('kind of %#', (schema, kind) => expect(kindOf(of(schema))).toBe(kind));

it.each([
  [z.number().int(), { integer: true }],
  [z.number().min(0).max(0.9).default(0.1), { integer: false, min: 0, max: 0.9 }],
  [z.number().positive().optional(), { integer: false, min: 0, aboveMin: true }],
  [z.number().int().min(1).lt(9), { integer: true, min: 1, max: 9, belowMax: true }],
  [z.boolean(), null],
])('bounds of %#', (schema, bounds) => expect(boundsOf(of(schema))).toEqual(bounds));

it('choices of an enumeration and of a list out of one', () => {
  expect(choicesOf(of(z.enum(['a', 'b']).default('b')))).toEqual(['a', 'b']);
  expect(choicesOf(of(z.array(z.enum(['q', 'v']))))).toEqual(['q', 'v']);
  expect(choicesOf(of(z.string()))).toBeNull();
  expect(defaultOf(of(z.enum(['a', 'b']).default('b')))).toBe('b');
  expect(defaultOf(of(z.number().optional()))).toBeUndefined();
});

it('a schema of settings fills in their defaults', () =>
  expect(schemaOf({ one: of(z.number().default(3)), two: of(z.string().optional()) }).parse({})).toEqual({ one: 3 }));

it('a run of before is read with what it was trained with, whatever the defaults are now', () => {
  // As the first version wrote it: it kept every setting that it had, and the later ones were not there.
  const first = {
    ...{ epochs: 1, batch: 4, accumulate: 1, lr: 2e-4, schedule: 'linear', warmup: 0, beta1: 0.9, beta2: 0.999 },
    ...{ eps: 1e-8, weightDecay: 0.01, clip: 1, val: 0.05, seed: 0, evalEvery: 0, checkpointEvery: 50 },
  };
  const { epochs, batch, warmup, ...added } = trainSettingsSchema.parse(first);
  expect({ epochs, batch, warmup }).toEqual({ epochs: 1, batch: 4, warmup: 0 });
  expect(added).toMatchObject({
    ...{ packing: false, bucketing: false, weightDecayOn: 'matrices', labelSmoothing: 0, neftune: 0 },
    ...{ gradientCheckpointing: false, maxBadSteps: 5, patience: 0, minDelta: 0, keepBest: false },
    ...{ samplePrompts: [], sampleTokens: 48 },
  });
  expect(added.memoryLimitBytes).toBeUndefined();
});

it('early stopping and the best values need rows and evaluations to judge by', () => {
  expect(() => checkTrainSettings({ ...TRAIN_DEFAULTS, keepBest: true }, 0)).toThrow('needs validation rows');
  expect(() => checkTrainSettings({ ...TRAIN_DEFAULTS, patience: 2 }, 9)).toThrow('needs evaluations');
  expect(() => checkTrainSettings(TRAIN_DEFAULTS, 0)).not.toThrow();
});
