/**
 * The rate finder: a few steps of a run that does not start, at rates that rise, and short runs at a few rates. Both
 * take the training's own steps on values in this process's memory; nothing is written.
 */
import * as tf from '@tensorflow/tfjs-core';
import { rateAt, sweepRates } from '../../lab/rateCurve.ts';
import { judgeGrid, proposeRate, ratesAround } from '../../lab/rateProposal.ts';
import { toErrorData, usageError } from '../../../src-shared/errors.ts';
import type { RateCurve, RateGrid, RateGridParams, RateParams, RateProgress } from '../../../src-shared/lab.ts';
import type { RunSpec } from '../../../src-shared/runSpec.ts';
import { replaceValue } from '../../engine/model/parameters.ts';
import { CallControl } from '../control.ts';
import { withDraft, type Draft } from '../train/draft.ts';
import { trainLoop } from '../train/loop.ts';
import type { Run } from '../train/run.ts';
import { firstStep, startRun } from '../train/start.ts';
import { takeStep } from '../train/step.ts';
import { alone } from '../train/team.ts';

type Emit = (event: RateProgress) => void;

/** Throws what setting up the run throws. */
export function labRate({ spec, ...range }: RateParams, emit: Emit): Promise<RateCurve> {
  // A step without a finite loss ends the search, not with an error.
  return withRun(spec, { maxBadSteps: Infinity }, async (run) => {
    run.lrOf = (step) => rateAt(range, step);
    const sweep = await sweepRates(range, async (step) => {
      const metrics = await takeStep(run);
      emit({ done: step + 1, total: range.steps });
      return metrics?.loss ?? null;
    });
    return { ...sweep, ...proposeRate(sweep) };
  });
}

/**
 * Trains `steps` steps from the same start at each of five rates, by the run's own schedule. Throws NO_VALIDATION
 * where no rows are kept to compare on, and what setting up the run throws.
 */
export function labRateGrid({ spec, around, steps }: RateGridParams, emit: Emit): Promise<RateGrid> {
  const short = { steps, evalEvery: 0, checkpointEvery: 0, patience: 0, keepBest: false };
  return withRun(spec, short, async (begun, draft) => {
    if (begun.data.val.length === 0)
      throw usageError(
        'NO_VALIDATION',
        'Short runs are compared by their validation loss, and this run keeps no rows for it; raise the share of ' +
          'rows for validation.',
      );
    const rates = ratesAround(around);
    const { parameters } = begun.method;
    const start = parameters.map(({ value }) => tf.clone(value));
    const runs: RateGrid['runs'] = [];
    let initialValLoss = NaN;
    for (const [i, lr] of rates.entries()) {
      begun.optimizer.dispose();
      parameters.forEach((parameter, k) => replaceValue(parameter, tf.clone(start[k]!)));
      const run: Run = {
        ...begun,
        ...firstStep({ ...draft, train: { ...draft.train, lr } }, begun.method, begun.plan),
        emit: (event) => event.type === 'step' && emit({ done: i * steps + event.step, total: rates.length * steps }),
      };
      run.progress.evaluationDue = i === 0; // the untrained values are the same for all
      const valLoss = await trainedLoss(run);
      initialValLoss = run.progress.initialValLoss ?? initialValLoss;
      runs.push({ lr, valLoss });
      run.optimizer.dispose();
    }
    tf.dispose(start);
    return { steps, runs, initialValLoss, ...judgeGrid(runs, initialValLoss) };
  });
}

/** Validation loss at the end; null where the run breaks off without a finite loss. */
async function trainedLoss(run: Run): Promise<number | null> {
  try {
    await trainLoop(run);
  } catch (error) {
    if (toErrorData(error).code === 'LOSS_NOT_FINITE') return null;
    throw error;
  }
  const { valLoss } = run.progress;
  return valLoss !== null && Number.isFinite(valLoss) ? valLoss : null;
}

function withRun<T>(
  spec: RunSpec,
  changed: Partial<RunSpec['train']>,
  work: (run: Run, draft: Draft) => Promise<T>,
): Promise<T> {
  const silent = (): void => undefined;
  const team = alone(new CallControl());
  return withDraft({ ...spec, train: { ...spec.train, ...changed } }, silent, async (draft) =>
    work(await startRun(draft, { state: null, emit: silent, team, keepsStart: false }), draft),
  );
}
