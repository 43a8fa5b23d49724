import { expect, it } from 'vitest';
import { endNote } from './endNote.ts';
import { runWarnings } from './runWarnings.ts';
import { adviceOn, problemWith, type Setting } from './settings/setting.ts';
import { TRAIN_DEFAULTS, TRAIN_SETTINGS } from './settings/training.ts';
import { z } from 'zod';

const usual = { trainRows: 500, valRows: 26, totalSteps: 180, train: TRAIN_DEFAULTS };

it('a usual run is not warned of', () => expect(runWarnings(usual)).toEqual([]));

it.each([
  [{ trainRows: 1, valRows: 0, totalSteps: 1 }, [/^Only 1 row to train on/, /is 1 step:/, /5 % of 1 row are none/]],
  [{ trainRows: 9 }, [/^Only 9 rows/]],
  [{ totalSteps: 9 }, [/is 9 steps/]],
  [{ valRows: 0, train: { ...TRAIN_DEFAULTS, val: 0 } }, []],
  [{ totalSteps: 60, train: { ...TRAIN_DEFAULTS, warmup: 100 } }, [/warm-up of 100 steps .* after 59 steps/]],
  [{ train: { ...TRAIN_DEFAULTS, lr: 10 } }, [/^Learning rate 10 is above the usual/]],
])('%j', (facts, want) => {
  const said = runWarnings({ ...usual, ...facts });
  expect(said).toHaveLength(want.length);
  want.forEach((pattern, i) => expect(said[i]).toMatch(pattern));
});

it('a run that learnt nothing, or the wrong thing, is not called a success', () => {
  expect(endNote({ steps: 9, valLoss: 2, initialValLoss: 3 })).toBeNull();
  expect(endNote({ steps: 9, valLoss: null, initialValLoss: null, unchanged: false })).toBeNull();
  expect(endNote({ steps: 1, valLoss: null, initialValLoss: null, unchanged: true })).toMatch(/^Nothing was learnt/);
  expect(endNote({ steps: 0, valLoss: null, initialValLoss: null, unchanged: true })).toMatch(/no step was taken/);
  expect(endNote({ steps: 9, valLoss: 4.5, initialValLoss: 3 })).toMatch(/rose from 3.0000 to 4.5000/);
});

it('a number outside the usual is advised against, at either end', () => {
  expect(adviceOn(TRAIN_SETTINGS.lr, 2e-4)).toBeUndefined();
  expect(adviceOn(TRAIN_SETTINGS.lr, undefined)).toBeUndefined();
  expect(adviceOn(TRAIN_SETTINGS.lr, 1e-9)).toMatch(/below the usual 0.000001 to 0.01: next to nothing/);
  expect(adviceOn(TRAIN_SETTINGS.batch, 1e9)).toBeUndefined();
});

it.each([
  [z.number().int().min(1).default(8), 100_000, 32, 'Size must be a whole number from 1 to 32.'],
  [z.number().int().min(1).default(8), 1.5, undefined, 'Size must be a whole number from 1 on.'],
  [z.number().min(0).max(0.9), 2, undefined, 'Size must be a number from 0 to 0.9.'],
  [z.number().min(0).lt(1), 1, undefined, 'Size must be a number from 0 to below 1.'],
  [z.number().positive(), 0, undefined, 'Size must be a number above 0.'],
  [z.number().positive().max(5), 6, undefined, 'Size must be a number above 0 and up to 5.'],
  [z.number().int().min(1), 32, 32, undefined],
  [z.number().int().min(1), undefined, 32, undefined],
  [z.string(), 'x', undefined, undefined],
])('bounds of %# are said where a value is outside', (schema, value, max, want) => {
  const setting: Setting = { schema, label: 'Size', help: '' };
  expect(problemWith(setting, value, { max })).toBe(want);
});
