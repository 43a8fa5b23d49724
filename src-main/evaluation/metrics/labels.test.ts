/** scikit-learn's formulas on a matrix that is worked by hand. */
import { expect, it } from 'vitest';
import { confusionOf, labelIndex, labelStatistics, macroF1 } from './labels.ts';

const LABELS = ['cat', 'dog', 'bird'];
// The example of sklearn.metrics.f1_score's documentation: macro 0.26…
const ACTUAL = [0, 1, 2, 0, 1, 2];
const PREDICTED = [0, 2, 1, 0, 0, 1];

function sums(predicted: readonly number[], actual: readonly number[], count: number): number[] {
  const rows = actual.map((one, i) => labelStatistics(predicted[i]!, one, count));
  return rows[0]!.map((_, j) => rows.reduce((sum, row) => sum + row[j]!, 0));
}

it('macro F1 is the mean over the labels, 0 for one without a hit', () => {
  // cat: 2 hits, 1 wrong, none missed: 4/5; dog and bird: none
  expect(macroF1(sums(PREDICTED, ACTUAL, 3))).toBeCloseTo(4 / 5 / 3, 12);
  // an answer that is no label misses one and hits none: cat 2/3, dog 2/2
  expect(macroF1(sums([0, -1, 1], [0, 0, 1], 2))).toBeCloseTo((2 / 3 + 1) / 2, 12);
});

it('the confusion matrix has a row per label, a column per answer, and one for answers that are none', () => {
  const pairs = [...ACTUAL, 1].map((actual, i) => ({ actual, predicted: PREDICTED[i] ?? -1 }));
  expect(confusionOf(LABELS, pairs).counts).toEqual([
    [2, 0, 0, 0],
    [1, 0, 1, 1],
    [0, 2, 0, 0],
  ]);
});

it('a label is told by its text, its exact case first', () => {
  expect(labelIndex(' dog\n', LABELS)).toBe(1);
  expect(labelIndex('DOG', LABELS)).toBe(1);
  expect(labelIndex('B', ['b', 'B'])).toBe(1);
  expect(labelIndex('a dog', LABELS)).toBe(-1);
});
