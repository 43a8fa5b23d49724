import { expect, test } from 'vitest';
import { SeriesStore } from '../../charts/seriesStore.ts';
import type { RunView } from '../../lib/api.ts';
import { axesOf, isWithin, LOSS_AXIS } from './parallelAxes.ts';
import { resultOf } from './results.ts';

function compared(train: object, method: object, valLoss: number | undefined) {
  const run = {
    trainingMs: 1000,
    result: null,
    spec: {
      engine: 'tensorflow',
      method: { type: 'lora', ...method },
      train: { batch: 4, ...train },
      data: { file: '/d/rows.jsonl', hash: String(valLoss) },
    },
  } as unknown as RunView;
  const best = valLoss === undefined ? null : { step: 3, valLoss };
  const rest = { trainLoss: 1, trainingMs: 1000, tokensPerSecond: 1, peakMemoryBytes: 1, sizeBytes: 1 };
  return { run, result: { best, ...rest } };
}

const runs = [
  compared({ lr: 1e-5 }, { init: 'kaiming', rank: 4 }, 2),
  compared({ lr: 1e-3 }, { init: 'pissa', rank: 8 }, 1),
  compared({ lr: 1e-4 }, { rank: 16 }, undefined),
];

test('an axis for each setting that differs, then time and loss', () => {
  const axes = axesOf(runs);
  expect(axes.map(({ key }) => key)).toEqual(['method.init', 'method.rank', 'train.lr', 'result.time', LOSS_AXIS]);
  const [init, rank, lr, time, loss] = axes;
  // Categories in the order of their names, each in the middle of its part.
  expect(init!.ticks.map(({ text }) => text)).toEqual(['–', 'Kaiming', 'PiSSA']);
  expect(init!.places).toEqual([0.5, 2.5 / 3, 0.5 / 3]);
  expect(rank!.places).toEqual([0, 4 / 12, 1]);
  // A hundred times the smallest: equal factors are equally far.
  expect(lr!.places.map((place) => Number(place!.toFixed(9)))).toEqual([0, 1, 0.5]);
  expect(lr!.textAt(0.5)).toBe('1e-4');
  expect(time!.places).toEqual([0.5, 0.5, 0.5]);
  expect(loss!.places).toEqual([1, 0, undefined]);
  expect(loss!.texts).toEqual(['2.0000', '1.0000', '–']);
});

test('a run stays while it lies within every span; one without a value does not', () => {
  const axes = axesOf(runs);
  const within = (spans: Parameters<typeof isWithin>[1]) => runs.map((_, i) => isWithin(axes, spans, i));
  expect(within({})).toEqual([true, true, true]);
  expect(within({ 'method.rank': [0, 1 / 3] })).toEqual([true, true, false]);
  expect(within({ 'method.rank': [0.2, 1], [LOSS_AXIS]: [0, 0.5] })).toEqual([false, true, false]);
  expect(within({ [LOSS_AXIS]: [0, 1] })).toEqual([true, true, false]);
  expect(axesOf([])).toEqual([]);
});

test('the best held-out loss is of trained values, also of a run under way', () => {
  const store = new SeriesStore();
  const step = { lr: 0, gradNorm: 1, tokensPerSecond: 50, elapsedMs: 100 };
  store.append({ step: 1, loss: 4, memoryBytes: 9, ...step });
  store.append({ step: 2, loss: 3, memoryBytes: 7, ...step });
  store.putEvaluation(0, 1);
  store.putEvaluation(2, 2.5);
  store.putEvaluation(4, 2.75);
  expect(resultOf({ ...runs[0]!.run, trainingMs: null }, store)).toEqual({
    best: { step: 2, valLoss: 2.5 },
    trainLoss: 3,
    trainingMs: 200,
    tokensPerSecond: 50,
    peakMemoryBytes: 9,
    sizeBytes: null,
  });
});
