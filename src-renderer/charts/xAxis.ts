/** What the x axis of a chart counts, and where the steps of a run lie on it. */
import { formatCount, formatDuration, formatShort } from '../lib/format.ts';
import { lowerBound } from './column.ts';
import type { SeriesStore } from './seriesStore.ts';

export const X_AXES = ['step', 'tokens', 'epochs', 'time'] as const;
export type XAxis = (typeof X_AXES)[number];

interface AxisText {
  /** Below the axis. */
  title: string;
  /** In a choice of axes. */
  choice: string;
  /** In front of a value. */
  word: string;
  format: (value: number) => string;
  /** Distances between ticks that read well. */
  increments: number[];
}

const DECIMALS = [1, 2, 5];
const powers = (from: number, to: number): number[] =>
  Array.from({ length: to - from + 1 }, (_, i) => from + i).flatMap((power) =>
    DECIMALS.map((digit) => Number(`${digit}e${power}`)),
  );

export const X_AXIS_TEXTS: Record<XAxis, AxisText> = {
  step: {
    title: 'Step',
    choice: 'By step',
    word: /* @wc-include */ 'step',
    format: (step) => String(step),
    increments: powers(0, 6),
  },
  tokens: {
    title: 'Tokens',
    choice: 'By tokens',
    word: /* @wc-include */ 'tokens',
    format: formatCount,
    increments: powers(0, 12),
  },
  epochs: {
    title: 'Epochs',
    choice: 'By epochs',
    word: /* @wc-include */ 'epoch',
    format: (epoch) => String(Number(epoch.toFixed(3))),
    increments: powers(-3, 4),
  },
  time: {
    title: 'Wall-clock time',
    choice: 'By wall-clock time',
    word: /* @wc-include */ 'time',
    format: (seconds) => (seconds === 0 ? '0 s' : formatDuration(1000 * seconds)),
    increments: [
      ...powers(-3, -1),
      ...[1, 2, 5, 10, 15, 30],
      ...[1, 2, 5, 10, 15, 30].map((minutes) => 60 * minutes),
      ...[1, 2, 3, 6, 12, 24, 48, 120, 240].map((hours) => 3600 * hours),
    ],
  },
};

/** For ticks, which have little room. */
export function tickText(axis: XAxis, value: number): string {
  return axis === 'tokens' ? formatShort(value) : X_AXIS_TEXTS[axis].format(value);
}

/** What a run says of its epochs. */
export interface EpochFacts {
  spec: { train: { steps?: number | undefined; epochs: number; batch: number; accumulate: number } };
  started: { totalSteps: number; trainRows: number; stepsPerEpoch?: number } | null;
}

/** Of runs of before, which did not count them, from epochs or rows. */
export function stepsPerEpoch({ spec: { train }, started }: EpochFacts): number {
  if (started?.stepsPerEpoch) return started.stepsPerEpoch;
  if (train.steps === undefined) return (started?.totalSteps ?? 1) / train.epochs;
  return Math.max(1, Math.ceil((started?.trainRows ?? 1) / (train.batch * train.accumulate)));
}

/** Where steps lie on an axis; the trained steps themselves as one array, so that lines can share it. */
export class StepPlaces {
  readonly #store: SeriesStore;
  readonly #axis: XAxis;
  readonly #perEpoch: number;
  #trained: Float64Array | undefined;

  constructor(store: SeriesStore, axis: XAxis, perEpoch: number) {
    this.#store = store;
    this.#axis = axis;
    this.#perEpoch = perEpoch;
  }

  /** Of each step that the store holds: its number, tokens so far, epochs so far, or seconds since the start. */
  get trained(): Float64Array {
    this.#trained ??= this.#places();
    return this.#trained;
  }

  /** Of other steps, such as those of evaluations: where the last trained step before or at it lies. */
  of(steps: Float64Array): Float64Array {
    if (this.#axis === 'step') return steps;
    if (this.#axis === 'epochs') return steps.map((step) => step / this.#perEpoch);
    return steps.map((step) => this.trained[lowerBound(this.#store.step.values, step + 1) - 1] ?? 0);
  }

  #places(): Float64Array {
    const { step, columns } = this.#store;
    switch (this.#axis) {
      case 'step':
        return step.values;
      case 'epochs':
        return this.of(step.values);
      case 'tokens': {
        const ms = columns.elapsedMs.values;
        return sums(columns.tokensPerSecond.values.map((rate, i) => Math.round((rate * (ms[i] ?? 0)) / 1000)));
      }
      case 'time':
        return secondsSinceStart(this.#store);
    }
  }
}

/** By the clock, evaluations and pauses included; where a step's time is not known, by what the steps took. */
function secondsSinceStart({ atMs, columns }: SeriesStore): Float64Array {
  const at = atMs.values;
  const took = columns.elapsedMs.values;
  if (at.length === 0 || at.some((ms) => ms === 0)) return sums(took).map((ms) => ms / 1000);
  const start = (at[0] ?? 0) - (took[0] ?? 0);
  let last = 0;
  // A clock that was set back does not turn the line round.
  return at.map((ms) => (last = Math.max(last, (ms - start) / 1000)));
}

function sums(values: Float64Array): Float64Array {
  let sum = 0;
  return values.map((value) => (sum += Number.isFinite(value) ? value : 0));
}
