/** Answers that are labels: accuracy, F1 and the confusion matrix, as scikit-learn defines them (zero_division 0). */
import type { Confusion } from '../../../src-shared/suites.ts';

/** Index of the label that an answer is, but for white space around it and upper and lower case; -1 for none. */
export function labelIndex(answer: string, labels: readonly string[]): number {
  const own = answer.trim();
  const exact = labels.indexOf(own);
  return exact >= 0 ? exact : labels.findIndex((label) => label.toLowerCase() === own.toLowerCase());
}

/** What one answer adds: by label whether it is a true positive, a false positive and a false negative. */
export function labelStatistics(predicted: number, actual: number, count: number): number[] {
  const added = new Array<number>(3 * count).fill(0);
  if (predicted === actual) added[3 * actual] = 1;
  else {
    if (predicted >= 0) added[3 * predicted + 1] = 1;
    if (actual >= 0) added[3 * actual + 2] = 1;
  }
  return added;
}

/** Mean over the labels of F1 = 2TP / (2TP + FP + FN), of the sums of labelStatistics; 0 to 1. */
export function macroF1(sums: ArrayLike<number>): number {
  let sum = 0;
  for (let i = 0; i < sums.length; i += 3) {
    const [hits, wrong, missed] = [sums[i]!, sums[i + 1]!, sums[i + 2]!];
    if (hits > 0) sum += (2 * hits) / (2 * hits + wrong + missed);
  }
  return sum / (sums.length / 3);
}

export function confusionOf(labels: string[], pairs: readonly { predicted: number; actual: number }[]): Confusion {
  const counts = labels.map(() => new Array<number>(labels.length + 1).fill(0));
  for (const { predicted, actual } of pairs) {
    const row = counts[actual];
    if (row) row[predicted < 0 ? labels.length : predicted]!++;
  }
  return { labels, counts };
}
