/** What a finished run's losses say: whether it learnt, and what would help. */
import type { HeldOutRows } from './training.ts';

/** `both fall` and `too easy` only of runs that learn from choices (choiceVerdict.ts). */
export type VerdictKind =
  'diverged' | 'learnt nothing' | 'overfits' | 'both fall' | 'too easy' | 'still improving' | 'done';

/** The finding, with what helps. */
export const VERDICTS: Record<VerdictKind, string> = {
  diverged: 'It diverged: start again with a lower learning rate.',
  'learnt nothing': 'It learnt next to nothing: raise the learning rate, or train for longer.',
  overfits: 'It overfits: keep the best values, or train for fewer steps.',
  'both fall': 'Both answers became less likely: lower the learning rate, or raise beta.',
  'too easy': 'The choices were too easy: it takes ones that are harder to tell apart.',
  'still improving': 'It is still improving: train longer.',
  done: 'It has learnt what it could with these settings.',
};

export interface RunCurves {
  /** Of every step, in order. */
  trainLosses: readonly number[];
  /** Ascending; at step 0 before training. */
  evaluations: readonly { step: number; valLoss: number }[];
  /** Every trained value is what it was at the start. */
  unchanged?: boolean | undefined;
  heldOut?: HeldOutRows | undefined;
  /** Steps left out because their loss or gradient was no number. */
  skippedSteps?: number | undefined;
}

export interface RunVerdict {
  kind: VerdictKind;
  /** What was seen, in a sentence. */
  seen: string;
  /** The step with the lowest validation loss, where the run overfits. */
  bestStep?: number;
}

/** Shares of a loss by which curves count as changed. */
const RISES = 0.02;
const LEARNS = 0.01;
/** Of the loss, over the last quarter of the run: below it nobody would train longer. */
const IMPROVES = 0.01;
/** Of the steps, left out. */
const MANY_SKIPPED = 0.2;
const LEAST_STEPS = 4;

/** Undefined where there is too little to say anything. */
export function verdictOf(curves: RunCurves): RunVerdict | undefined {
  const found = ofLosses(curves);
  return found && curves.heldOut && !curves.unchanged ? withHeldOut(found, curves.heldOut) : found;
}

/** Says how single rows fared, after all else. */
export function withHeldOut(found: RunVerdict, heldOut: HeldOutRows): RunVerdict {
  const { rows, better, worse } = heldOut;
  return {
    ...found,
    seen: `${found.seen} It is better than before on ${better} of ${rows} held-out rows, worse on ${worse}.`,
  };
}

function ofLosses({ trainLosses, evaluations, unchanged, skippedSteps = 0 }: RunCurves): RunVerdict | undefined {
  if (unchanged) return { kind: 'learnt nothing', seen: 'Every trained value is what it was at the start.' };
  const all = trainLosses.length + skippedSteps;
  if (all < LEAST_STEPS) return undefined;
  if (skippedSteps > MANY_SKIPPED * all)
    return { kind: 'diverged', seen: `${skippedSteps} of ${all} steps had a loss or a gradient that is no number.` };
  if ([...trainLosses, ...evaluations.map(({ valLoss }) => valLoss)].some((loss) => !Number.isFinite(loss)))
    return { kind: 'diverged', seen: 'A loss was no number.' };
  const part = Math.max(1, Math.floor(trainLosses.length / 10));
  const [begin, end] = [mean(trainLosses.slice(0, part)), mean(trainLosses.slice(-part))];
  const [first, last] = [evaluations[0], evaluations.at(-1)];
  if (first && last && last.step > first.step) {
    const found = ofValidation({ trainLosses, evaluations, begin, end, part });
    if (found) return found;
    const change = validationChange(first.valLoss, last.valLoss);
    // Without an evaluation near it the training losses tell how the last quarter went.
    const near = evaluations.find(({ step }) => step >= 0.6 * last.step && step <= 0.85 * last.step);
    return near ? ofQuarter(change, near.valLoss, last.valLoss) : ofQuarter(change, quarter(trainLosses, part), end);
  }
  const change = `The training loss went from ${shown(begin)} to ${shown(end)}`;
  if (end > begin * (1 + RISES)) return { kind: 'diverged', seen: `${change}.` };
  if (begin - end < LEARNS * begin) return { kind: 'learnt nothing', seen: `${change}.` };
  return ofQuarter(change, quarter(trainLosses, part), end);
}

/** What the validation losses say but for whether they still fall; undefined: they have fallen. */
function ofValidation({
  trainLosses,
  evaluations,
  begin,
  end,
  part,
}: Pick<RunCurves, 'trainLosses' | 'evaluations'> & Record<'begin' | 'end' | 'part', number>): RunVerdict | undefined {
  const from = evaluations[0]!.valLoss;
  const to = evaluations.at(-1)!.valLoss;
  const change = validationChange(from, to);
  if (to > from * (1 + RISES) && end > begin * (1 + RISES)) return { kind: 'diverged', seen: `${change}.` };
  const best = evaluations.reduce((low, one) => (one.valLoss < low.valLoss ? one : low));
  if (to > best.valLoss * (1 + RISES)) {
    const trainAtBest = mean(trainLosses.slice(Math.max(0, best.step - part), Math.max(1, best.step)));
    const lowest =
      best.step === 0
        ? `The validation loss was lowest before the first step, ${shown(best.valLoss)}, and is ${shown(to)} now`
        : `The validation loss was lowest at step ${best.step}, ${shown(best.valLoss)}, and is ${shown(to)} now`;
    if (end >= trainAtBest) return { kind: 'diverged', seen: `${lowest}, while the training loss rose as well.` };
    return {
      kind: 'overfits',
      seen: `${lowest}, while the training loss went on falling.`,
      ...(best.step === 0 ? {} : { bestStep: best.step }),
    };
  }
  const learnt = from - best.valLoss > LEARNS * from || begin - end > LEARNS * begin;
  return learnt ? undefined : { kind: 'learnt nothing', seen: `${change}.` };
}

function validationChange(from: number, to: number): string {
  return `The validation loss went from ${shown(from)} to ${shown(to)}`;
}

function ofQuarter(change: string, before: number, after: number): RunVerdict {
  const share = Math.round((100 * (before - after)) / before);
  return before - after > IMPROVES * before
    ? { kind: 'still improving', seen: `${change}; over the last quarter of the run it fell by ${share} %.` }
    : { kind: 'done', seen: `${change}, and hardly changed over the last quarter of the run.` };
}

/** Mean loss before the last quarter of the run. */
function quarter(losses: readonly number[], part: number): number {
  const end = Math.max(1, Math.floor(0.75 * losses.length));
  return mean(losses.slice(Math.max(0, end - part), end));
}

function mean(values: readonly number[]): number {
  return values.reduce((sum, value) => sum + value, 0) / values.length;
}

function shown(loss: number): string {
  return loss.toFixed(4);
}
