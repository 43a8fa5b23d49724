/**
 * The learning-rate range test (Smith 2017, arXiv:1506.01186, section 3.3): one step at each of rates that rise by the
 * same factor, and the loss of each. What a step is, this file does not know.
 */
import type { RateCurve, RateRange } from '../../src-shared/lab.ts';
import { Smoother } from '../../src-shared/smoother.ts';

/** Share of the past in the smoothed losses, which are then means over some ten steps. */
const SMOOTHING = 0.9;
const SHARE_AT_START = 0.1;
const LEAST_AT_START = 5;
/** The loss has broken away where its smoothed value is this many times its lowest, and above where it began. */
const BROKEN_AWAY = 2;

export type Sweep = Pick<RateCurve, 'rates' | 'losses' | 'smoothed' | 'stoppedAt'>;

/** from · (to / from)^(step / (steps - 1)), `step` from 0. */
export function rateAt({ from, to, steps }: RateRange, step: number): number {
  return from * (to / from) ** (step / Math.max(1, steps - 1));
}

/**
 * `takeStep` takes a step at `rateAt(range, step)` and returns its loss, null where that is not finite. Ends early
 * where it has broken away.
 */
export async function sweepRates(range: RateRange, takeStep: (step: number) => Promise<number | null>): Promise<Sweep> {
  const smoother = new Smoother(SMOOTHING);
  const sweep: Sweep = { rates: [], losses: [], smoothed: [], stoppedAt: null };
  const { rates, losses, smoothed } = sweep;
  const starting = stepsAtStart(range.steps);
  for (let step = 0; step < range.steps; step++) {
    const rate = rateAt(range, step);
    const loss = await takeStep(step);
    const mean = loss === null ? (smoothed.at(-1) ?? NaN) : smoother.next(loss);
    rates.push(rate);
    losses.push(loss);
    smoothed.push(mean);
    const settled = smoothed.slice(starting);
    const isAway = mean > BROKEN_AWAY * Math.min(...settled) && mean > meanOf(losses.slice(0, starting));
    if (loss === null || isAway) return { ...sweep, stoppedAt: rate };
  }
  return sweep;
}

/**
 * Steps at the start of a search of `steps`, at rates too low to change much: their losses say where the curve begins,
 * and only after them the smoothed losses are means over enough.
 */
export function stepsAtStart(steps: number): number {
  return Math.max(LEAST_AT_START, Math.round(SHARE_AT_START * steps));
}

/** Of those that are finite. */
export function meanOf(losses: Sweep['losses']): number {
  const finite = losses.filter((loss) => loss !== null);
  return finite.reduce((sum, loss) => sum + loss, 0) / finite.length;
}

/**
 * Standard deviation that a smoothed loss has because rows differ, from the differences of neighbours, which hardly
 * feel the curve's own fall: sd(loss)^2 = mean(difference^2) / 2, less by (1 - b) / (1 + b) once smoothed.
 */
export function deviationOf(losses: Sweep['losses']): number {
  const squares = losses.slice(1).map((loss, i) => ((loss ?? NaN) - (losses[i] ?? NaN)) ** 2);
  const variance = meanOf(squares.filter(Number.isFinite)) / 2;
  return Math.sqrt((variance * (1 - SMOOTHING)) / (1 + SMOOTHING));
}
