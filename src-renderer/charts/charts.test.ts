import { expect, test } from 'vitest';
import { Column, lowerBound, nearest } from './column.ts';
import { seriesCsv } from './csv.ts';
import { decimate } from './decimate.ts';
import { drawn } from './drawn.ts';
import { SeriesStore } from './seriesStore.ts';
import { Smoother } from '../../src-shared/smoother.ts';
import { SpikeFinder } from './spikes.ts';
import { wholeRange } from './wholeRange.ts';
import { StepPlaces, stepsPerEpoch, type XAxis } from './xAxis.ts';

const at = (step: number, loss: number) => ({
  step,
  loss,
  lr: step / 10,
  gradNorm: 1,
  tokensPerSecond: 50,
  memoryBytes: 1024,
  elapsedMs: 100,
});
const noise = (i: number) => Math.sin(i * 12.9898) * 0.1;
/** 10,000 uneven values with the lowest and the highest at known places. */
function long() {
  const x = Float64Array.from({ length: 10_000 }, (_, i) => i + 1);
  const y = Float64Array.from(x, (step) => 3 + noise(step));
  y[1234] = 99;
  y[7001] = -5;
  return { x, y };
}

test('a column keeps everything while it grows, and can be cut', () => {
  const column = new Column();
  for (let i = 0; i < 1000; i++) column.push(i);
  expect([...column.values]).toEqual(Array.from({ length: 1000 }, (_, i) => i));
  column.cut(3);
  column.push(7);
  expect([...column.values]).toEqual([0, 1, 2, 7]);
});

test('the place and the nearest of a value in ascending values', () => {
  const values = Float64Array.of(2, 4, 8);
  expect([1, 2, 3, 8, 9].map((wanted) => lowerBound(values, wanted))).toEqual([0, 0, 1, 2, 3]);
  expect([0, 3, 5, 7, 99].map((wanted) => nearest(values, wanted))).toEqual([0, 0, 1, 2, 2]);
  expect(nearest(new Float64Array(), 1)).toBe(-1);
});

test('smoothing equals the weighted mean of everything so far', () => {
  const smoother = new Smoother(0.5);
  expect(smoother.next(4)).toBeCloseTo(4, 12);
  smoother.next(1);
  // Weights of x1, x2, x3: b^2, b, 1, normalised to sum 1.
  expect(smoother.next(7)).toBeCloseTo((4 * 0.25 + 1 * 0.5 + 7) / 1.75, 12);
  expect(smoother.next(NaN)).toBeNaN();
});

test('a jump is a spike, noise and a slow fall are not, and a lasting rise soon is none', () => {
  const spikes = (losses: number[]) => {
    const finder = new SpikeFinder();
    return losses.flatMap((loss, i) => (finder.next(loss) ? [i] : []));
  };
  const falling = Array.from({ length: 400 }, (_, i) => 5 - i / 200 + noise(i));
  expect(spikes(falling)).toEqual([]);
  const jumpy = [...falling];
  jumpy[100] = 8;
  jumpy[103] = 9;
  expect(spikes(jumpy)).toEqual([100, 103]);
  const risen = falling.map((loss, i) => (i < 200 ? loss : loss + 3));
  expect(spikes(risen)[0]).toBe(200);
  expect(spikes(risen).at(-1)).toBeLessThan(260);
});

test('of many points the extremes of every pixel column stay, and no more than can be seen', () => {
  const { x, y } = long();
  const kept = decimate(x, y, 0, y.length, 100);
  expect(kept.length).toBeLessThanOrEqual(500);
  expect(kept).toEqual([...kept].sort((a, b) => a - b));
  expect(kept).toEqual(expect.arrayContaining([0, 1234, 7001, 9999]));
  for (let bucket = 0; bucket < 100; bucket++) {
    const inBucket = (index: number) => Math.min(99, Math.floor((((x[index] ?? 0) - 1) * 100) / 9999)) === bucket;
    const all = [...y.keys()].filter(inBucket).map((index) => y[index] ?? NaN);
    const some = kept.filter(inBucket).map((index) => y[index] ?? NaN);
    expect([Math.min(...some), Math.max(...some)]).toEqual([Math.min(...all), Math.max(...all)]);
  }
});

test('a single missing value among many leaves a gap', () => {
  const { x, y } = long();
  y[5000] = NaN;
  expect(decimate(x, y, 0, y.length, 100)).toContain(5000);
  expect(decimate(x, y, 0, 10, 100)).toEqual([0, 1, 2, 3, 4, 5, 6, 7, 8, 9]);
});

test('lines with steps of their own share one ascending x; gaps are null, absent steps undefined', () => {
  const train = { steps: Float64Array.of(1, 2, 3), values: Float64Array.of(5, NaN, 4) };
  const validation = { steps: Float64Array.of(0, 3), values: Float64Array.of(6, 0) };
  expect(drawn([train, validation], { min: 0, max: 3 }, 100, false)).toEqual([
    [0, 1, 2, 3],
    [undefined, 5, null, 4],
    [6, undefined, undefined, 0],
  ]);
  expect(drawn([train, validation], { min: 0, max: 3 }, 100, true)[2]?.at(-1)).toBeNull();
});

test('a line over the steps of another is drawn at its points, with its own values', () => {
  const { x, y } = long();
  const other = Float64Array.from(y, (value) => value / 2);
  const [steps, first, second] = drawn(
    [
      { steps: x, values: y },
      { steps: x, values: other },
    ],
    { min: 1, max: 10_000 },
    100,
    false,
  );
  expect(steps).toEqual(expect.arrayContaining([1235, 7002]));
  expect(first).toEqual(steps.map((step) => y[step - 1]));
  expect(second).toEqual(steps.map((step) => other[step - 1]));
});

test('points at one x do not hide those behind them', () => {
  const twice = { steps: Float64Array.of(1, 2, 2, 3), values: Float64Array.of(5, 6, 7, 8) };
  const single = { steps: Float64Array.of(2), values: Float64Array.of(1) };
  expect(drawn([twice, single], { min: 0, max: 9 }, 500, false)).toEqual([
    [1, 2, 3],
    [5, 6, 8],
    [undefined, 1, undefined],
  ]);
});

test('a zoom keeps one point on either side', () => {
  const steps = Float64Array.from({ length: 50 }, (_, i) => i + 1);
  expect(drawn([{ steps, values: steps }], { min: 10.5, max: 12.5 }, 100, false)[0]).toEqual([10, 11, 12, 13]);
});

test(
  'recorded and live steps that overlap give each step once; after a resume the repeated steps replace the old ' +
    'ones',
  () => {
    const store = new SeriesStore();
    store.appendColumns({
      step: [1, 2, 3],
      atMs: [0, 0, 0],
      loss: [5, 4, 3],
      lr: [0, 0, 0],
      gradNorm: [1, 1, 1],
      tokensPerSecond: [9, 9, 9],
      memoryBytes: [1, 1, 1],
      elapsedMs: [100, 100, 100],
    });
    [at(3, 30), at(4, 2)].forEach((metrics) => store.append(metrics));
    expect([...store.step.values]).toEqual([1, 2, 3, 4]);
    expect([...store.columns.loss.values]).toEqual([5, 4, 3, 2]);
    store.putEvaluation(0, 6);
    store.putEvaluation(4, 3);
    store.putEvaluation(4, 2.5);
    store.cutAfter(2);
    store.append(at(3, 7));
    expect([...store.columns.loss.values]).toEqual([5, 4, 7]);
    expect([...store.evaluations.step.values]).toEqual([0]);
    expect(store.totalMs).toBe(300);
    expect(store.timeLeftMs(10)).toBe(700);
  },
);

test('smoothing grows with the series to the same values as smoothing it at once', () => {
  const grown = new SeriesStore(0.8);
  for (let i = 1; i <= 300; i++) grown.append(at(i, 3 + noise(i)));
  const atOnce = new SeriesStore(0.1);
  for (let i = 1; i <= 300; i++) atOnce.append(at(i, 3 + noise(i)));
  atOnce.smoothWith(0.8);
  expect([...atOnce.smoothed.values]).toEqual([...grown.smoothed.values]);
});

test('the CSV holds every value exactly, with empty cells where nothing was recorded', () => {
  const store = new SeriesStore();
  store.putEvaluation(0, 6.25);
  store.append(at(1, 0.1 + 0.2));
  const [head, ...lines] = seriesCsv(store).trimEnd().split('\n');
  const cells = lines.map((line) => line.split(','));
  const column = (name: string) => cells.map((row) => row[head!.split(',').indexOf(name)]);
  expect(column('step')).toEqual(['0', '1']);
  expect(column('validation_loss')).toEqual(['6.25', '']);
  expect(Number(column('train_loss')[1])).toBe(0.1 + 0.2);
});

test('all steps when it is over; while it trains, room that doubles up to all steps', () => {
  const range = (last: number, active = true) => wholeRange({ first: 1, last, total: 100, active });
  expect([0, 19, 20, 60, 99].map((last) => range(last).max)).toEqual([20, 20, 40, 80, 100]);
  expect(range(60, false)).toEqual({ min: 1, max: 60 });
  expect(range(0, false)).toEqual({ min: 1, max: 2 });
  expect(wholeRange({ first: 0, last: 130, total: 100, active: true }).max).toBe(130);
});

test('where steps lie on the axes of tokens, epochs and time', () => {
  const store = new SeriesStore();
  // 50 tokens a second for 100 ms each; the third step came after an evaluation of 2 s.
  store.append(at(1, 3), 10_100);
  store.append(at(2, 3), 10_200);
  store.append(at(3, 3), 12_300);
  const places = (axis: XAxis) => new StepPlaces(store, axis, 2);
  expect([...places('tokens').trained]).toEqual([5, 10, 15]);
  expect([...places('epochs').trained]).toEqual([0.5, 1, 1.5]);
  expect([...places('time').trained]).toEqual([0.1, 0.2, 2.3]);
  expect(places('step').trained).toEqual(store.step.values);
  expect([...places('time').of(Float64Array.of(0, 2, 3))]).toEqual([0, 0.2, 2.3]);
  expect([...places('epochs').of(Float64Array.of(0, 3))]).toEqual([0, 1.5]);
  // A run of before does not say when its steps were: one after the other.
  store.append(at(4, 3), 0);
  expect([...places('time').trained].map((seconds) => Number(seconds.toFixed(6)))).toEqual([0.1, 0.2, 0.3, 0.4]);
});

test('how many steps an epoch has, also in runs that did not count them', () => {
  const train = { steps: undefined, epochs: 3, batch: 4, accumulate: 2 };
  const started = { totalSteps: 30, trainRows: 100 };
  expect(stepsPerEpoch({ spec: { train }, started: { ...started, stepsPerEpoch: 13 } })).toBe(13);
  expect(stepsPerEpoch({ spec: { train }, started })).toBe(10);
  expect(stepsPerEpoch({ spec: { train: { ...train, steps: 500 } }, started })).toBe(13);
});
