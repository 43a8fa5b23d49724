/** Rows that say the same, and rows that a split puts on both sides. */
import { splitExamples } from './split.ts';
import type { Survey } from './survey.ts';

/** Groups of row numbers with the same content (but for space around it), each with two rows or more, in file order. */
export function duplicateGroups({ good }: Survey): number[][] {
  const groups = new Map<number, number[]>();
  for (const row of good) {
    const group = groups.get(row.sameAs);
    if (group) group.push(row.index);
    else groups.set(row.sameAs, [row.index]);
  }
  return [...groups.values()].filter((group) => group.length > 1);
}

/** Numbers of the rows that repeat an earlier one. */
export function repeatedRows({ good }: Survey): number[] {
  return good.filter((row, place) => row.sameAs !== place).map((row) => row.index);
}

export interface SplitReport {
  train: number;
  val: number;
  /** Validation rows that say what a training row says, but for case and space: numbers of both. */
  overlap: { val: number; train: number }[];
  /** Prompts that are on both sides: too few prompts to keep each on one. */
  sharedPrompts: number;
}

/** The rows as a run would split them: by the function that it uses. */
export function splitReport({ good }: Survey, valShare: number, seed: number): SplitReport {
  const { train, val } = splitExamples(good, valShare, seed);
  const trained = new Map(train.map((row) => [row.alike, row.index]));
  const trainedPrompts = new Set(train.map((row) => row.group));
  const overlap = val.flatMap((row) => (trained.has(row.alike) ? [{ val: row.index, train: trained.get(row.alike)! }] : []));
  const sharedPrompts = new Set(val.map((row) => row.group).filter((group) => trainedPrompts.has(group))).size;
  return { train: train.length, val: val.length, overlap, sharedPrompts };
}
