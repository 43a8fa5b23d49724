/**
 * Rows that say the same, and rows that a split puts on both sides; found in slices that leave the process responsive.
 */
import { inSlices, STEP_ITEMS, type Steps } from './timeSlice.ts';
import { validationRows } from './split.ts';
import type { Survey, SurveyedRows } from './survey.ts';

export interface DuplicateGroups {
  /** Groups of rows with the same content (but for space around it), each with two rows or more. */
  groups: number;
  /** Row numbers of the groups `offset` to `offset + count`; groups and rows in file order. */
  shown: number[][];
}

export function duplicateGroups({ good }: Survey, window: { offset: number; count: number }): Promise<DuplicateGroups> {
  return inSlices(groupSteps(good, window));
}

function* groupSteps(
  { count: rows, index, sameAs }: SurveyedRows,
  { offset, count }: { offset: number; count: number },
): Steps<DuplicateGroups> {
  const sizes = new Int32Array(rows);
  for (let place = 0; place < rows; place++) {
    sizes[sameAs[place]!]!++;
    if (place % STEP_ITEMS === 0) yield;
  }
  const shown = new Map<number, number[]>();
  let groups = 0;
  for (let place = 0; place < rows; place++) {
    // The first row of a group is met before all others.
    if (sizes[place]! > 1 && groups++ >= offset && shown.size < count) shown.set(place, []);
    shown.get(sameAs[place]!)?.push(index[place]!);
    if (place % STEP_ITEMS === 0) yield;
  }
  return { groups, shown: [...shown.values()] };
}

/** 1 for each of a file's `rows` rows that repeats an earlier one. */
export function repeatedRows({ good }: Survey, rows: number): Promise<Uint8Array> {
  return inSlices(repeatSteps(good, rows));
}

function* repeatSteps({ count, index, sameAs }: SurveyedRows, rows: number): Steps<Uint8Array> {
  const repeats = new Uint8Array(rows);
  for (let place = 0; place < count; place++) {
    if (sameAs[place] !== place) repeats[index[place]!] = 1;
    if (place % STEP_ITEMS === 0) yield;
  }
  return repeats;
}

export interface SplitReport {
  train: number;
  val: number;
  /** Validation rows that say what a training row says, but for case and space. */
  overlap: number;
  /** Row numbers of the first of them, each with those of such a training row. */
  pairs: { val: number; train: number }[];
  /** Prompts that are on both sides: too few prompts to keep each on one. */
  sharedPrompts: number;
}

const MOST_PAIRS = 50;
const ABSENT = -1;

/** The rows as a run would split them: by the function that it uses. */
export function splitReport({ good }: Survey, valShare: number, seed: number): Promise<SplitReport> {
  return inSlices(splitSteps(good, valShare, seed));
}

function* splitSteps({ count, index, group, alike }: SurveyedRows, valShare: number, seed: number): Steps<SplitReport> {
  const inVal = yield* validationRows(group, valShare, seed);
  // Both by numbers below `count`: of the content, and of the prompt.
  const trained = new Int32Array(count).fill(ABSENT);
  const trainedPrompts = new Uint8Array(count);
  for (let place = 0; place < count; place++) {
    if (place % STEP_ITEMS === 0) yield;
    if (inVal[place]) continue;
    trained[alike[place]!] = index[place]!;
    trainedPrompts[group[place]!] = 1;
  }
  const report: SplitReport = { train: 0, val: 0, overlap: 0, pairs: [], sharedPrompts: 0 };
  for (let place = 0; place < count; place++) {
    if (place % STEP_ITEMS === 0) yield;
    if (!inVal[place]) continue;
    report.val++;
    const train = trained[alike[place]!]!;
    if (train !== ABSENT && report.overlap++ < MOST_PAIRS) report.pairs.push({ val: index[place]!, train });
    const prompt = group[place]!;
    if (trainedPrompts[prompt]) report.sharedPrompts++;
    // Each is counted once.
    trainedPrompts[prompt] = 0;
  }
  report.train = count - report.val;
  return report;
}
