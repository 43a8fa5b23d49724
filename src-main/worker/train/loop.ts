/** The loop over optimiser steps: events, evaluation, samples, checkpoints, pause, stop and early stop. */
import { setImmediate } from 'node:timers/promises';
import { toErrorData } from '../../../src-shared/errors.ts';
import { keepState } from '../../runfolder/keptStates.ts';
import { saveRunState } from './state.ts';
import { takeStep, type LoopInput } from './step.ts';
import { keepTuning } from './tuning.ts';
import { validate } from './validation.ts';

export interface LoopEnd {
  /** 'paused' and 'stopped' have written a checkpoint. */
  outcome: 'completed' | 'stopped' | 'paused';
  /** Completed before its last step, since the validation loss had stopped falling. */
  stoppedEarly: boolean;
}

/** Losses and counts end up in `input.progress`. */
export async function trainLoop(input: LoopInput): Promise<LoopEnd> {
  const { spec, progress, totalSteps, emit, control } = input;
  const { checkpointEvery, evalEvery, patience } = spec.train;
  let savedBest = progress.best?.step ?? null;
  const checkpoint = async (): Promise<void> => {
    if (await writeState(input)) savedBest = progress.best?.step ?? null;
  };
  const isSpent = (): boolean => patience > 0 && progress.evaluationsWithoutGain >= patience;
  if (progress.evaluationDue) await look(input, savedBest);
  while (progress.step < totalSteps && !isSpent() && !control.stopped && !control.paused) {
    const metrics = await takeStep(input);
    if (metrics) emit({ type: 'step', ...metrics });
    await keepTuning();
    const isLast = progress.step === totalSteps;
    if (isLast || (evalEvery > 0 && progress.step % evalEvery === 0)) await look(input, savedBest);
    const isDue = checkpointEvery > 0 && progress.step % checkpointEvery === 0;
    if (isDue && !isLast && progress.badSteps === 0) await checkpoint(); // in doubt the one before is the good one
    await setImmediate(); // libtensorflow answers at once: without this no message would get in between two steps
  }
  const stoppedEarly = progress.step < totalSteps && isSpent();
  const isDone = progress.step === totalSteps || stoppedEarly;
  if (isDone && !progress.evaluationDue) return { outcome: 'completed', stoppedEarly };
  await checkpoint();
  // without an evaluation, which an uninterrupted run would not make here
  if (!control.stopped) return { outcome: 'paused', stoppedEarly };
  await look(input, savedBest);
  return { outcome: 'stopped', stoppedEarly };
}

/** The validation loss and the sample texts of the values as they are; a pause puts both off until the run goes on. */
async function look(input: LoopInput, savedBest: number | null): Promise<void> {
  const { progress, sampler, emit } = input;
  progress.evaluationDue = !(await validate(input, savedBest));
  if (!sampler || progress.evaluationDue) return;
  try {
    emit({ type: 'sample', step: progress.step, texts: await sampler.texts() });
  } catch (error) {
    // A look at the model is not worth its training; a card that is lost ends the run at its next step.
    emit({ type: 'log', message: `No samples are written after step ${progress.step}: ${toErrorData(error).message}` });
  }
}

/** False where values were not finite, so that the checkpoint before stays. */
async function writeState({ spec, method, optimizer, progress, emit }: LoopInput): Promise<boolean> {
  const bad = await saveRunState(spec.runDir, method.parameters, optimizer, progress);
  if (bad !== null) {
    emit({
      type: 'log',
      message: `No checkpoint is written after step ${progress.step}, since ${bad} holds values that are not finite.`,
    });
    return false;
  }
  keepState(spec.runDir, progress.step, { onlyNewest: spec.method.type === 'full' });
  emit({ type: 'checkpoint', step: progress.step });
  return true;
}
