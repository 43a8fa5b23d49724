/**
 * The paired bootstrap: rows are drawn with replacement, both subjects are scored on the same draw, and the middle 95 %
 * of the differences is the interval (Efron and Tibshirani 1993, chapter 13; Koehn 2004 for scores of corpora).
 */
import { Random } from '../../src-shared/random.ts';

/** What the rows add to a score, row by row: `rows` times `width` numbers. */
export interface RowStatistics {
  rows: number;
  width: number;
  values: Float64Array;
}

/** The score of a corpus of `rows` rows from the sums of what they add. */
export type ScoreOf = (sums: Float64Array, rows: number) => number;

export interface Difference {
  /** Score of the second less score of the first. */
  value: number;
  /** Bounds of the 95 % interval; null for fewer than two rows. */
  low: number | null;
  high: number | null;
}

const RESAMPLES = 1000;
const [LOW, HIGH] = [0.025, 0.975];

export function statisticsOf(rows: readonly (readonly number[])[]): RowStatistics {
  const width = rows[0]?.length ?? 0;
  return { rows: rows.length, width, values: Float64Array.from(rows.flat()) };
}

export function scoreOfAll({ rows, width, values }: RowStatistics, score: ScoreOf): number {
  const sums = new Float64Array(width);
  for (let i = 0; i < values.length; i++) sums[i % width]! += values[i]!;
  return score(sums, rows);
}

/** Of two subjects on the same rows. The same seed gives the same interval. */
export function pairedBootstrap(...given: Parameters<typeof bootstrapSteps>): Difference {
  const steps = bootstrapSteps(...given);
  for (;;) {
    const step = steps.next();
    if (step.done) return step.value;
  }
}

/** The same with a pause after each draw, in which the caller may let others work. */
export function* bootstrapSteps(
  first: RowStatistics,
  second: RowStatistics,
  score: ScoreOf,
  { seed = 0, resamples = RESAMPLES } = {},
): Generator<void, Difference> {
  if (first.rows !== second.rows)
    throw new RangeError(`pairedBootstrap: ${first.rows} rows beside ${second.rows}, wanted the same rows`);
  const value = scoreOfAll(second, score) - scoreOfAll(first, score);
  const { rows } = first;
  if (rows < 2) return { value, low: null, high: null };
  const random = Random.stream(seed, 'bootstrap');
  const differences = new Float64Array(resamples);
  const sums = [first, second].map(({ width }) => new Float64Array(width)) as [Float64Array, Float64Array];
  for (let draw = 0; draw < resamples; draw++) {
    sums[0].fill(0);
    sums[1].fill(0);
    for (let i = 0; i < rows; i++) {
      const row = random.integer(rows);
      addRow(sums[0], first, row);
      addRow(sums[1], second, row);
    }
    differences[draw] = score(sums[1], rows) - score(sums[0], rows);
    yield;
  }
  differences.sort();
  return { value, low: quantile(differences, LOW), high: quantile(differences, HIGH) };
}

function addRow(sums: Float64Array, { width, values }: RowStatistics, row: number): void {
  for (let j = 0; j < width; j++) sums[j]! += values[row * width + j]!;
}

/** Between the two nearest values, as NumPy's default. */
function quantile(sorted: Float64Array, share: number): number {
  const at = share * (sorted.length - 1);
  const below = Math.floor(at);
  const low = sorted[below]!;
  return low + (at - below) * ((sorted[below + 1] ?? low) - low);
}
