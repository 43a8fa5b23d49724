/** Which rate the curve of a range test speaks for, and which of a few short runs was best; in words, too. */
import type { RateCurve, RateGrid } from '../../src-shared/lab.ts';
import { deviationOf, meanOf, stepsAtStart, type Sweep } from './rateCurve.ts';

/** A fall by less than this share of the first loss, or by fewer standard deviations of a smoothed loss, is none. */
const LEAST_FALL = { share: 0.01, deviations: 8 };
/** Between these shares of its fall the loss falls fastest. */
const FASTEST = { from: 0.25, to: 0.75 };
/** The loss breaks where it has lost this share of its fall again. */
const LOST_AGAIN = 0.25;
/** The proposal is this much below the rate of the break at least. */
const BELOW_BREAK = 10;

/**
 * The middle, on a logarithmic scale, of the rates between which the smoothed loss falls from a quarter to three
 * quarters of its whole fall, and a tenth of the rate at which it breaks at most.
 */
export function proposeRate({ rates, losses, smoothed, stoppedAt }: Sweep): Pick<RateCurve, 'proposal' | 'reason'> {
  const starting = stepsAtStart(losses.length);
  const begin = meanOf(losses.slice(0, starting));
  const lowest = smoothed.indexOf(Math.min(...smoothed.slice(starting)), starting);
  const fall = begin - (smoothed[lowest] ?? NaN);
  const last = rates.at(-1) ?? NaN;
  const least = Math.max(LEAST_FALL.share * begin, LEAST_FALL.deviations * deviationOf(losses.slice(0, lowest + 1)));
  if (!(fall > least)) return { proposal: null, reason: losses[0] === null ? NO_LOSS : noFall(last, stoppedAt) };
  const left = (share: number): number => begin - share * fall;
  const broke = smoothed.findIndex((value, i) => i > lowest && value > left(1 - LOST_AGAIN));
  const breaksAt = rates[broke] ?? stoppedAt;
  const reached = (share: number): number =>
    rates[smoothed.findLastIndex((value, i) => i <= lowest && value > left(share)) + 1] ?? NaN;
  const [from, to] = [reached(FASTEST.from), reached(FASTEST.to)];
  const middle = Math.sqrt(from * to);
  const most = breaksAt === null ? Infinity : breaksAt / BELOW_BREAK;
  const proposal = roundRate(Math.min(middle, most));
  const end = breaksAt === null ? `does not break up to ${shownRate(last)}` : `breaks at ${shownRate(breaksAt)}`;
  const why = middle <= most ? 'the middle of its fall' : 'a tenth of where it breaks';
  return {
    proposal,
    reason:
      `The loss falls fastest between ${shownRate(from)} and ${shownRate(to)} and ${end}; ${shownRate(proposal)} is ` +
      `${why}.`,
  };
}

const NO_LOSS = 'The very first loss is not finite, so no rate can help; look at the rows and at the base model.';

function noFall(last: number, stoppedAt: number | null): string {
  if (stoppedAt !== null)
    return (
      `The loss never falls clearly before it breaks at ${shownRate(stoppedAt)}, so the curve gives no rate; start ` +
      'from a lower one, or take a larger batch, whose losses differ less.'
    );
  return (
    `The loss moves no more than from batch to batch up to ${shownRate(last)}, so the curve gives no rate; search up ` +
    'to a higher one, or take a larger batch, whose losses differ less.'
  );
}

/** To 1, 2, 3 or 5 times a power of ten, whichever is nearest by its factor. */
function roundRate(rate: number): number {
  const power = 10 ** Math.floor(Math.log10(rate));
  const distance = (value: number): number => Math.abs(Math.log(value / rate));
  const [nearest = rate] = [1, 2, 3, 5, 10]
    .map((factor) => Number((factor * power).toPrecision(1)))
    .sort((a, b) => distance(a) - distance(b));
  return nearest;
}

function shownRate(rate: number): string {
  return Number(rate.toPrecision(1)).toExponential();
}

/** Five rates, each about three times the one before; `around` in the middle. */
export function ratesAround(around: number): number[] {
  return [0.1, 0.3, 1, 3, 10].map((factor) => Number((factor * around).toPrecision(2)));
}

/** The run of the lowest validation loss, where it is below that of the untrained values. */
export function judgeGrid(runs: RateGrid['runs'], initialValLoss: number): Pick<RateGrid, 'best' | 'reason'> {
  const best = runs
    .filter(({ valLoss }) => valLoss !== null && valLoss < initialValLoss)
    .sort((a, b) => a.valLoss! - b.valLoss!)[0];
  if (!best)
    return {
      best: null,
      reason: 'No short run ends below the untrained loss; try lower rates or more steps, or look at the data.',
    };
  const sorted = runs.map(({ lr }) => lr).sort((a, b) => a - b);
  const edge =
    best.lr === sorted.at(-1)
      ? ' It is the highest tried, so a higher one may be better still.'
      : best.lr === sorted[0]
        ? ' It is the lowest tried, so a lower one may be better still.'
        : '';
  return {
    best: best.lr,
    reason: `The short run at ${shownRate(best.lr)} ends with the lowest validation loss.${edge}`,
  };
}
