import { expect, test } from 'vitest';
import type { StepMetrics } from '../lib/api.ts';
import type { PreferenceScores } from '../../src-shared/objectives.ts';
import { choiceCharts } from './choiceLines.ts';
import { seriesCsv } from './csv.ts';
import { SeriesStore } from './seriesStore.ts';
import { StepPlaces } from './xAxis.ts';

const metrics = (step: number, preference?: PreferenceScores): StepMetrics => ({
  step,
  loss: 0.5,
  lr: 1e-4,
  gradNorm: 1,
  tokensPerSecond: 9,
  memoryBytes: 1,
  elapsedMs: 10,
  ...(preference ? { preference } : {}),
});
const scores = (chosenReward: number | null, rejectedReward: number | null, accuracy: number): PreferenceScores => ({
  chosenReward,
  rejectedReward,
  margin: chosenReward === null || rejectedReward === null ? null : chosenReward - rejectedReward,
  accuracy,
});

test('a run without choices holds none of them, and has no such charts', () => {
  const store = new SeriesStore();
  store.append(metrics(1));
  store.putEvaluation(1, 0.4);
  expect(store.choices.isEmpty).toBe(true);
  expect(store.choices.raw.accuracy.length).toBe(0);
  expect(choiceCharts(store, new StepPlaces(store, 'step', 1), true)).toEqual([]);
});

test('live steps and recorded ones make the same series, which stays beside the steps', () => {
  const live = new SeriesStore(0.5);
  live.append(metrics(1, scores(0.2, -0.2, 0.5)));
  live.append(metrics(2, scores(0.6, -0.2, 1)));
  const read = new SeriesStore(0.5);
  const common = { lr: [0, 0], gradNorm: [1, 1], tokensPerSecond: [9, 9], memoryBytes: [1, 1], elapsedMs: [9, 9] };
  // As JSON has them, in which a number that is none is null.
  const preference = { chosenReward: [0.2, 0.6], rejectedReward: [-0.2, -0.2], accuracy: [0.5, 1], kl: [null, null] };
  read.appendColumns({ step: [1, 2], atMs: [0, 0], loss: [1, 1], ...common, preference });
  for (const store of [live, read]) {
    const { raw, smoothed } = store.choices;
    expect([...raw.margin.values].map((value) => value.toFixed(4))).toEqual(['0.4000', '0.8000']);
    // (0.5 * 0.5 * 0.2 + 0.5 * 0.6) / (1 - 0.25)
    expect(smoothed.chosenReward.last).toBeCloseTo(0.35 / 0.75, 12);
    expect(store.choices.hasKl).toBe(false);
  }
});

test('a step without a good answer is a gap; a resume drops what it repeats', () => {
  const store = new SeriesStore();
  store.append(metrics(1, scores(null, -0.2, 1)));
  store.append(metrics(2, { ...scores(0.1, -0.1, 1), kl: 0.25 }));
  store.putEvaluation(1, 0.4, scores(0.3, 0, 0.9));
  store.putEvaluation(2, 0.3, scores(0.4, 0, 0.95));
  expect(store.choices.raw.margin.values[0]).toBeNaN();
  expect(store.choices.hasKl).toBe(true);
  store.cutAfter(1);
  store.append(metrics(2, scores(0.5, -0.5, 1)));
  store.putEvaluation(2, 0.2, scores(0.7, 0, 1));
  store.append(metrics(3, scores(null, -0.5, 1)));
  expect([...store.choices.raw.margin.values]).toEqual([NaN, 1, NaN]);
  expect([...store.choices.smoothed.margin.values]).toEqual([NaN, 1, 1]);
  expect([...store.choices.evaluations.chosenReward.values]).toEqual([0.3, 0.7]);
  expect([...store.choices.smoothed.rejectedReward.values]).toEqual([-0.2, -0.5, -0.5]);
});

test('charts of pairs and of marked answers, KL only where there is one', () => {
  const store = new SeriesStore();
  store.append(metrics(1, scores(0.2, -0.2, 1)));
  store.putEvaluation(1, 0.4, scores(0.3, 0, 0.9));
  const places = new StepPlaces(store, 'step', 1);
  expect(choiceCharts(store, places, true).map(({ title }) => title)).toEqual(['Rewards', 'Margin', 'Accuracy']);
  const labels = (isPaired: boolean) => choiceCharts(store, places, isPaired)[0]!.lines.map(({ label }) => label);
  expect(labels(true)).toEqual(['Chosen', 'Chosen, validation', 'Rejected', 'Rejected, validation']);
  expect(labels(false)).toEqual(['Good', 'Good, validation', 'Bad', 'Bad, validation']);
  store.append(metrics(2, { ...scores(0.2, -0.2, 1), kl: 0.1 }));
  expect(choiceCharts(store, places, false).at(-1)!.title).toBe('KL from the reference');
});

test('the CSV has the scores of steps and evaluations beside the losses', () => {
  const store = new SeriesStore();
  store.putEvaluation(0, 0.7, scores(0, 0, 0));
  store.append(metrics(1, scores(0.25, -0.125, 0.75)));
  const [head, first, second] = seriesCsv(store)
    .trimEnd()
    .split('\n')
    .map((line) => line.split(','));
  const at = (row: string[] | undefined, name: string) => row?.[head!.indexOf(name)];
  expect([at(first, 'chosen_reward'), at(first, 'validation_chosen_reward')]).toEqual(['', '0']);
  expect([at(second, 'rejected_reward'), at(second, 'accuracy'), at(second, 'validation_accuracy')]).toEqual([
    '-0.125',
    '0.75',
    '',
  ]);
});
