/** What the scores of a finished run that learns from choices say, beside its losses. */
import type { PreferenceScores } from './objectives.ts';
import type { RunVerdict } from './verdict.ts';

export interface ChoiceCurves {
  /** Of every step, in order; NaN where a step has none. */
  steps: Record<'chosenReward' | 'rejectedReward' | 'accuracy', readonly number[]>;
  evaluations: readonly PreferenceScores[];
}

interface Rewards {
  chosen: number;
  rejected: number;
}

/** Share of the choices from which on there is nothing more to learn from them. */
const ALL_RIGHT = 0.99;
/** First steps in which nothing can have been learnt yet, and how many a run needs to speak of them. */
const FIRST_SHARE = 0.05;
const LEAST_FIRST = 4;
const LEAST_STEPS = 20;

/** The finding of the losses, or a worse one that only the scores show; both say how the choices went. */
export function verdictOfChoices(found: RunVerdict, curves: ChoiceCurves): RunVerdict {
  const [begin, end, accuracy] = endsOf(curves);
  const [share, margin] = [Math.round(100 * accuracy), (end.chosen - end.rejected).toFixed(4)];
  const seen =
    curves.evaluations.length > 0
      ? `${found.seen} It is right on ${share} % of the held-out choices, with a margin of ${margin}.`
      : `${found.seen} It is right on ${share} % of the last choices, with a margin of ${margin}.`;
  if (found.kind !== 'done' && found.kind !== 'still improving') return { ...found, seen };
  const fell = begin.chosen - end.chosen;
  const parted = end.chosen - end.rejected - (begin.chosen - begin.rejected);
  // A chosen answer that loses a little on the way is usual; here it has lost more than it is ahead.
  if (fell > 0 && end.rejected < begin.rejected && fell > parted)
    return {
      kind: 'both fall',
      seen:
        `${seen} The reward of the chosen answers went from ${begin.chosen.toFixed(4)} to ${end.chosen.toFixed(4)}, ` +
        `that of the rejected ones from ${begin.rejected.toFixed(4)} to ${end.rejected.toFixed(4)}.`,
    };
  if (wasRightAtOnce(curves)) return { kind: 'too easy', seen };
  return { kind: accuracy >= ALL_RIGHT ? 'done' : found.kind, seen };
}

function endsOf({ steps, evaluations }: ChoiceCurves): [begin: Rewards, end: Rewards, accuracy: number] {
  const [first, last] = [evaluations[0], evaluations.at(-1)];
  if (first && last) return [rewardsOf(first), rewardsOf(last), last.accuracy];
  const part = Math.max(1, Math.floor(steps.accuracy.length / 10));
  const of = (from: number, to?: number): Rewards => ({
    chosen: mean(steps.chosenReward.slice(from, to)),
    rejected: mean(steps.rejectedReward.slice(from, to)),
  });
  return [of(0, part), of(-part), mean(steps.accuracy.slice(-part))];
}

function rewardsOf({ chosenReward, rejectedReward }: PreferenceScores): Rewards {
  return { chosen: chosenReward ?? NaN, rejected: rejectedReward ?? NaN };
}

/** The very first step is before any change: against a reference nothing is ahead yet. */
function wasRightAtOnce({ steps: { accuracy } }: ChoiceCurves): boolean {
  if (accuracy.length < LEAST_STEPS) return false;
  const count = Math.max(LEAST_FIRST, Math.ceil(FIRST_SHARE * accuracy.length));
  return mean(accuracy.slice(1, 1 + count)) >= ALL_RIGHT;
}

/** Of what is a number. */
function mean(values: readonly number[]): number {
  const known = values.filter((value) => Number.isFinite(value));
  return known.reduce((sum, value) => sum + value, 0) / known.length;
}
