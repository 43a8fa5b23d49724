/** Which rate the curve of a range test speaks for, and which of a few short runs was best; in words, too. */
import type { RateCurve, RateGrid } from '../../src-shared/lab.ts';
import { shownRate } from '../../src-shared/shownRate.ts';
import { deviationOf, meanOf, stepsAtStart, type Sweep } from './rateCurve.ts';

/** A fall by less than this share of the first loss, or by fewer standard deviations of a smoothed loss, is none. */
const LEAST_FALL = { share: 0.01, deviations: 7 };
/** Between these shares of its fall the loss falls fastest. */
const FASTEST = { from: 0.25, to: 0.75 };
/** The loss breaks where it has lost this share of its fall again. */
const LOST_AGAIN = 0.25;
/** The proposal is this much below the rate of the break at least. */
const BELOW_BREAK = 5;

/**
 * The rate at which the smoothed loss has fallen by three quarters of its whole fall, and a fifth of the rate at which
 * it breaks at most.
 */
export function proposeRate({ rates, losses, smoothed, stoppedAt }: Sweep): Pick<RateCurve, 'proposal' | 'reason'> {
  const starting = stepsAtStart(losses.length);
  const begin = meanOf(losses.slice(0, starting));
  const lowest = smoothed.indexOf(Math.min(...smoothed.slice(starting)), starting);
  const fall = begin - (smoothed[lowest] ?? NaN);
  const last = rates.at(-1) ?? NaN;
  const deviation = deviationOf(losses.slice(0, Math.max(lowest + 1, 2 * starting)));
  const least = Math.max(LEAST_FALL.share * begin, LEAST_FALL.deviations * deviation);
  if (!(fall > least)) {
    const rises = rates[smoothed.findLastIndex((value) => value <= begin + least) + 1]; // and stays above
    return { proposal: null, reason: losses[0] === null ? NO_LOSS : noFall(last, rises ?? stoppedAt) };
  }
  const left = (share: number): number => begin - share * fall;
  const broke = smoothed.findIndex((value, i) => i > lowest && value > left(1 - LOST_AGAIN));
  const breaksAt = rates[broke] ?? stoppedAt;
  const reached = (share: number): number =>
    rates[smoothed.findLastIndex((value, i) => i <= lowest && value > left(share)) + 1] ?? NaN;
  const [from, to] = [reached(FASTEST.from), reached(FASTEST.to)];
  const most = breaksAt === null ? Infinity : breaksAt / BELOW_BREAK;
  const proposal = roundRate(Math.min(to, most));
  const end = breaksAt === null ? `does not break up to ${about(last)}` : `breaks at ${about(breaksAt)}`;
  const why = to <= most ? 'where its steep part ends' : 'a fifth of where it breaks';
  return {
    proposal,
    reason:
      `The loss falls fastest between ${about(from)} and ${about(to)} and ${end}; ${shownRate(proposal)} is ` +
      `${why}.`,
  };
}

const NO_LOSS = 'The very first loss is not finite, so no rate can help; look at the rows and at the base model.';

function noFall(last: number, breaksAt: number | null): string {
  const [until, next] =
    breaksAt === null
      ? [`up to ${about(last)}`, 'search up to a higher one']
      : [`before it breaks at ${about(breaksAt)}`, 'start from a lower one'];
  return (
    `The loss falls no more than from batch to batch ${until}, so the curve gives no rate; ${next}, or take a larger ` +
    'batch, whose losses differ less.'
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

/** To one digit: the curve says no more. */
function about(rate: number): string {
  return shownRate(Number(rate.toPrecision(1)));
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
