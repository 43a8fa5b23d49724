import { describe, expect, it } from 'vitest';
import { PRESETS, presetSettings, type PresetInput } from './presets.ts';
import { startingLr } from './startingLr.ts';

const SMALL: PresetInput = { rows: 400, tokensPerRow: 60, parameters: 500_000 };
const INPUTS = [2, 10, 39, 40, 99, 100, 400, 4999, 5000, 1_000_000].flatMap((rows) =>
  [undefined, 8, 700, 100_000].flatMap((tokensPerRow) =>
    [5e5, 1e8, 7e9].map((parameters): PresetInput => ({ rows, tokensPerRow, parameters })),
  ),
);

/** Steps of all passes over the rows that are not kept for validation. */
const passes = (
  rows: number,
  epochs: number,
  { val, batch, accumulate }: { val: number; batch: number; accumulate: number },
): number => Math.ceil((rows * (1 - val)) / (batch * accumulate)) * epochs;

it.each(PRESETS)('%s can be trained with, whatever the data', (preset) => {
  for (const input of INPUTS) {
    const settings = presetSettings(preset, input);
    expect([settings.steps === undefined, settings.epochs === undefined].filter(Boolean)).toHaveLength(1);
    for (const value of [
      settings.batch,
      settings.accumulate,
      settings.evalEvery,
      settings.checkpointEvery,
      settings.steps ?? 1,
    ]) {
      expect(Number.isInteger(value) && value >= 1, JSON.stringify(settings)).toBe(true);
    }
    expect([4, 8, 16]).toContain(settings.batch * settings.accumulate);
    // A micro-batch of such rows stays within what the model takes, unless it is a single row.
    const budget = input.parameters < 1e9 ? 4096 : 1024;
    expect(settings.batch === 1 || settings.batch * (input.tokensPerRow ?? 128) <= budget).toBe(true);
    expect(presetSettings(preset, { ...input })).toEqual(settings);
  }
});

describe('the three', () => {
  it('quick looks at most 60 steps far, and never further than once over the rows', () => {
    expect(presetSettings('quick', { ...SMALL, rows: 100_000 }).steps).toBe(60);
    expect(presetSettings('quick', SMALL).steps).toBe(passes(400, 1, presetSettings('quick', SMALL)));
    expect(presetSettings('quick', SMALL)).toMatchObject({ warmup: 0, patience: 0, keepBest: false });
  });

  it('balanced goes three times over the rows and looks about six times', () => {
    const settings = presetSettings('balanced', SMALL);
    expect(settings).toMatchObject({ epochs: 3, schedule: 'linear', warmup: 0.05, patience: 0 });
    const looks = passes(400, 3, settings) / settings.evalEvery;
    expect(looks).toBeGreaterThan(5);
    expect(looks).toBeLessThan(7);
  });

  it('thorough ends when validation stops falling and keeps the best', () => {
    expect(presetSettings('thorough', SMALL)).toMatchObject({
      epochs: 8,
      schedule: 'cosine',
      patience: 4,
      keepBest: true,
    });
    const settings = presetSettings('thorough', SMALL);
    expect(passes(400, 8, settings) / settings.evalEvery).toBeCloseTo(16, 0);
  });

  it('checkpoints at least every 200 steps, and not at every one', () => {
    expect(presetSettings('thorough', { ...SMALL, rows: 1_000_000 }).checkpointEvery).toBe(200);
    expect(presetSettings('quick', { ...SMALL, rows: 10 }).checkpointEvery).toBe(10);
  });
});

it('more rows a step for more data; for long rows or a large model the same in smaller batches', () => {
  const rowsPerStep = (rows: number) => {
    const { batch, accumulate } = presetSettings('balanced', { ...SMALL, rows });
    return batch * accumulate;
  };
  expect([50, 400, 6000].map(rowsPerStep)).toEqual([4, 8, 16]);
  expect(presetSettings('balanced', { ...SMALL, tokensPerRow: 1000 })).toMatchObject({ batch: 4, accumulate: 2 });
  expect(presetSettings('balanced', { ...SMALL, tokensPerRow: 1000, parameters: 7e9 })).toMatchObject({
    batch: 1,
    accumulate: 8,
  });
});

it('few rows keep a tenth for validation', () => {
  expect([39, 40].map((rows) => presetSettings('balanced', { ...SMALL, rows }).val)).toEqual([0.1, 0.05]);
});

it('a tiny model begins with a larger learning rate', () => {
  expect([startingLr(260_000), startingLr(9_999_999), startingLr(10_000_000), startingLr(7e9)]).toEqual([
    3e-3, 3e-3, 2e-4, 2e-4,
  ]);
  expect(presetSettings('quick', SMALL).lr).toBe(3e-3);
});
