import { expect, it } from 'vitest';
import { Random } from '../../src-shared/random.ts';
import { BatchPlan, type BatchPlanOptions } from './batchPlan.ts';
import { rowsOfStep, stepsForEpochs } from './batches.ts';

const random = new Random(5);
const LENGTHS = Array.from({ length: 203 }, () => 1 + random.integer(32));
const PLAIN: BatchPlanOptions = { batch: 4, accumulate: 1, maxLength: 32, seed: 7, packing: false, bucketing: false };
const tokens = (rows: number[]): number => rows.reduce((sum, row) => sum + LENGTHS[row]!, 0);
const steps = (plan: BatchPlan, count: number): number[][][] =>
  Array.from({ length: count }, (_, i) => plan.rowsOf(i + 1));

it.each([
  ['packing', { packing: true }],
  ['bucketing', { bucketing: true }],
  ['both', { packing: true, bucketing: true }],
])('%s shows every row once per epoch, as a function of seed and step only', (_, settings) => {
  for (const accumulate of [1, 3]) {
    const options = { ...PLAIN, ...settings, accumulate };
    const plan = new BatchPlan(LENGTHS, options);
    // Micro-batches of three epochs in a row, cut where the rows of an epoch are all there.
    const micro = steps(plan, plan.stepsFor(3)).flat();
    const seen: number[][] = [];
    for (const rows of micro) {
      const epoch = seen.at(-1);
      if (!epoch || epoch.length === LENGTHS.length) seen.push([...rows]);
      else epoch.push(...rows);
    }
    for (const epoch of seen.slice(0, 3)) expect(epoch.toSorted((a, b) => a - b)).toEqual([...LENGTHS.keys()]);
    expect(seen[1]).not.toEqual(seen[0]);
    expect(seen).toHaveLength(3);
    // A run of before goes on over the end of an epoch: its last step into a fourth by less than itself.
    const prior = new BatchPlan(LENGTHS, { ...options, runsOn: true });
    const ran = steps(prior, prior.stepsFor(3)).flat();
    expect(ran.flat().slice(0, LENGTHS.length)).toEqual(micro.flat().slice(0, LENGTHS.length));
    expect(ran.slice(0, -accumulate).flat().length).toBeLessThan(3 * LENGTHS.length);
    expect(ran.flat().length).toBeGreaterThanOrEqual(3 * LENGTHS.length);
    const alone = new BatchPlan(LENGTHS, options);
    expect(alone.rowsOf(17)).toEqual(plan.rowsOf(17));
    expect(new BatchPlan(LENGTHS, { ...options, seed: 8 }).rowsOf(17)).not.toEqual(plan.rowsOf(17));
  }
});

it('packing fills batches up to the tokens of `batch` rows of the longest, and so needs fewer steps', () => {
  const plan = new BatchPlan(LENGTHS, { ...PLAIN, packing: true });
  const count = plan.stepsFor(1);
  const batches = steps(plan, count).flat();
  for (const rows of batches) expect(tokens(rows)).toBeLessThanOrEqual(4 * 32);
  const fewest = Math.ceil(tokens([...LENGTHS.keys()]) / (4 * 32));
  expect(count).toBeGreaterThanOrEqual(fewest);
  expect(count).toBeLessThanOrEqual(fewest + 1);
  expect(count).toBeLessThan(0.7 * stepsForEpochs(LENGTHS.length, 4, 1, 1));
});

it('bucketing keeps batches of `batch` rows whose lengths are close, in a shuffled order', () => {
  const plan = new BatchPlan(LENGTHS, { ...PLAIN, bucketing: true });
  const count = plan.stepsFor(1);
  expect(count).toBe(Math.ceil(203 / 4));
  const batches = steps(plan, count).flat();
  expect(batches.filter((rows) => rows.length !== 4)).toHaveLength(1);
  const padded = (list: number[][]): number =>
    list.reduce((sum, rows) => sum + rows.length * Math.max(...rows.map((row) => LENGTHS[row]!)), 0);
  const plain = Array.from({ length: 50 }, (_, i) => rowsOfStep(203, 4, 1, 7, i + 1)[0]!);
  expect(padded(batches)).toBeLessThan(1.1 * tokens([...LENGTHS.keys()]));
  expect(padded(plain)).toBeGreaterThan(1.3 * tokens(plain.flat()));
  const longest = batches.map((rows) => Math.max(...rows.map((row) => LENGTHS[row]!)));
  expect(longest).not.toEqual(longest.toSorted((a, b) => a - b));
});

it("counts steps and cuts batches as Hugging Face's Trainer", () => {
  const rows = (count: number): number[] => Array<number>(count).fill(3);
  const ten = new BatchPlan(rows(10), { ...PLAIN, batch: 3, accumulate: 2 });
  expect(ten.stepsFor(4)).toBe(8);
  const epochs = [0, 1, 2, 3].map((epoch) => [ten.rowsOf(2 * epoch + 1), ten.rowsOf(2 * epoch + 2)]);
  for (const epoch of epochs) {
    expect(epoch.map((step) => step.map((batch) => batch.length))).toEqual([
      [3, 3],
      [3, 1],
    ]);
    expect(epoch.flat(2).toSorted((a, b) => a - b)).toEqual([...rows(10).keys()]);
  }
  expect(new Set(epochs.map((epoch) => epoch.flat(2).join())).size).toBe(4);
  // max_steps = ceil(epochs * ceil(ceil(rows / batch) / accumulate))
  const stepsOf = (count: number, batch: number, accumulate: number, passes: number): number =>
    new BatchPlan(rows(count), { ...PLAIN, batch, accumulate }).stepsFor(passes);
  expect([stepsOf(10, 3, 2, 0.5), stepsOf(10, 3, 2, 2.6), stepsOf(9, 4, 4, 3), stepsOf(1, 8, 4, 0.1)]).toEqual([
    1, 6, 3, 1,
  ]);
  // A batch above the rows holds each of them once.
  const few = new BatchPlan(rows(2), { ...PLAIN, batch: 5, accumulate: 3 });
  for (const step of [1, 2, 3]) expect(few.rowsOf(step).flat().toSorted()).toEqual([0, 1]);
  expect(() => few.rowsOf(0)).toThrow(RangeError);
});

it('counts a part of an epoch, and without either setting it is the plain order', () => {
  const packed = new BatchPlan(LENGTHS, { ...PLAIN, packing: true });
  expect(packed.stepsFor(0.5)).toBe(Math.ceil(packed.stepsFor(1) / 2));
  expect(packed.stepsFor(1e-9)).toBe(1);
  const plain = new BatchPlan(LENGTHS, { ...PLAIN, accumulate: 2, runsOn: true });
  expect(plain.rowsOf(9)).toEqual(rowsOfStep(203, 4, 2, 7, 9));
  expect(plain.stepsFor(1.5)).toBe(stepsForEpochs(203, 4, 2, 1.5));
});
