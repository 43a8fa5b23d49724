/** Evaluation during a run: the validation loss, which values were the best, and whether it still pays to go on. */
import { setImmediate } from 'node:timers/promises';
import { likeLengths } from '../../datasets/batches.ts';
import { countedLengths } from '../../datasets/tokens/rowList.ts';
import type { PreferenceScores } from '../../../src-shared/objectives.ts';
import type { ClassScores } from '../../../src-shared/training.ts';
import { evaluatePreference } from '../../engine/train/preference/evaluate.ts';
import { evaluateTogether } from './evaluateTogether.ts';
import { heldOutLosses } from './heldOutRows.ts';
import { saveBestValues } from './bestValues.ts';
import { removeBestValues } from '../../runfolder/discard.ts';
import type { Progress } from './state.ts';
import type { Run } from './run.ts';

/**
 * Mean validation loss of the values as they are; nothing to do without validation rows. `savedBest`: the best step
 * that the last run state names. False where a pause was asked for before the end: nothing has then been counted.
 */
export async function validate(run: Run, savedBest: number | null): Promise<boolean> {
  const { dir, settings, data, method, progress, emit, team } = run;
  if (!data.val.length) return true;
  method.beforeEvaluation();
  const measured = await measure(run);
  if (!measured) return false;
  const { loss: valLoss, ...scores } = measured;
  progress.valLoss = valLoss;
  if (Number.isFinite(valLoss)) emit({ type: 'eval', step: progress.step, valLoss, ...scores });
  else emit({ type: 'log', message: `The validation loss after step ${progress.step} is ${valLoss}.` });
  if (progress.step === 0) {
    progress.initialValLoss = valLoss;
    progress.heldOutLosses = await team.first(() => heldOutLosses(run));
  } else if (countEvaluation(progress, settings.minDelta) && settings.keepBest) {
    await team.first(async () => {
      await saveBestValues(dir, progress.step, method.parameters);
      removeBestValues(dir, [progress.step, ...(savedBest === null ? [] : [savedBest])]);
    });
  }
  return true;
}

/** What ends an evaluation before its last batch. */
const INTERRUPTED = Symbol('a pause was asked for');

async function measure(
  run: Run,
): Promise<{ loss: number; scores?: ClassScores; preference?: PreferenceScores } | null> {
  const { model, choices, settings, control, team } = run;
  const onBatch = async (): Promise<void> => {
    await setImmediate(); // lets the wish to pause get in
    team.agree();
    if (control.paused && !control.stopped) throw INTERRUPTED;
  };
  try {
    const lengths = await lengthsOfAll(run, onBatch);
    if (!choices) return await evaluateTogether(run, lengths, onBatch);
    const batches = likeLengths(lengths, settings.batch).map((rows) => choices.batch('val', rows));
    const { loss, scores } = await evaluatePreference(model, batches, choices.objective, { onBatch });
    return { loss, preference: scores };
  } catch (error) {
    if (error === INTERRUPTED) return null;
    return team.fail(error);
  }
}

/** Several processes do not meet on the way, since one may know lengths that another has yet to count. */
function lengthsOfAll({ data, team }: Run, onBatch: () => Promise<void>): Promise<Int32Array> {
  if (team.size === 1) return countedLengths(data.val, onBatch);
  return team.each(() => countedLengths(data.val, () => setImmediate()));
}

/**
 * Counts the evaluation that `progress.valLoss` is of; whether it is the best so far. A gain below `minDelta` does not
 * count as one.
 */
export function countEvaluation(
  progress: Pick<Progress, 'step' | 'valLoss' | 'best' | 'evaluationsWithoutGain'>,
  minDelta: number,
): boolean {
  const { step, best } = progress;
  const valLoss = progress.valLoss ?? NaN;
  const gain = best ? best.valLoss - valLoss : Infinity;
  if (Number.isNaN(valLoss) || !(gain > minDelta)) progress.evaluationsWithoutGain++;
  else progress.evaluationsWithoutGain = 0;
  if (Number.isNaN(valLoss) || !(gain > 0)) return false;
  progress.best = { step, valLoss };
  return true;
}
