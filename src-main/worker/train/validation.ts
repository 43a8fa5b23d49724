/** Evaluation during a run: the validation loss, which values were the best, and whether it still pays to go on. */
import { setImmediate } from 'node:timers/promises';
import { evaluationBatches, likeLengths } from '../../datasets/batches.ts';
import { countedLengths } from '../../datasets/tokens/rowList.ts';
import type { Decoder } from '../../engine/model/decoder.ts';
import type { Batch } from '../../engine/train/batchLoss.ts';
import { classScores, evaluateClasses } from '../../engine/train/classification.ts';
import type { PreferenceScores } from '../../../src-shared/objectives.ts';
import type { ClassScores } from '../../../src-shared/training.ts';
import { evaluateLoss } from '../../engine/train/evaluate.ts';
import { evaluatePreference } from '../../engine/train/preference/evaluate.ts';
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
  const { dir, settings, data, method, progress, emit } = run;
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
    progress.heldOutLosses = await heldOutLosses(run);
  } else if (countEvaluation(progress, settings.minDelta) && settings.keepBest) {
    await saveBestValues(dir, progress.step, method.parameters);
    removeBestValues(dir, [progress.step, ...(savedBest === null ? [] : [savedBest])]);
  }
  return true;
}

/** What ends an evaluation before its last batch. */
const INTERRUPTED = Symbol('a pause was asked for');

async function measure({
  model,
  choices,
  data: { val, labels, padId },
  settings,
  control,
}: Run): Promise<{ loss: number; scores?: ClassScores; preference?: PreferenceScores } | null> {
  const onBatch = async (): Promise<void> => {
    await setImmediate(); // lets the wish to pause get in
    if (control.paused && !control.stopped) throw INTERRUPTED;
  };
  try {
    const lengths = await countedLengths(val, onBatch);
    if (choices) {
      const batches = likeLengths(lengths, settings.batch).map((rows) => choices.batch('val', rows));
      const { loss, scores } = await evaluatePreference(model, batches, choices.objective, { onBatch });
      return { loss, preference: scores };
    }
    const batches = evaluationBatches(val, settings.batch, padId, lengths);
    return labels
      ? await classify(model, batches, labels.length, onBatch)
      : { loss: (await evaluateLoss(model, batches, onBatch)).loss };
  } catch (error) {
    if (error === INTERRUPTED) return null;
    throw error;
  }
}

async function classify(
  model: Decoder,
  batches: Iterable<Batch>,
  classes: number,
  onBatch: () => Promise<void>,
): Promise<{ loss: number; scores: ClassScores }> {
  const { loss, predicted, actual } = await evaluateClasses(model, batches, onBatch);
  return { loss, scores: classScores(predicted, actual, classes) };
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
