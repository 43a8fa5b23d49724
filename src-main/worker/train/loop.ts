/** The loop over optimiser steps: events, evaluation, samples, run states, pause, stop and early stop. */
import { setImmediate } from 'node:timers/promises';
import { toErrorData } from '../../../src-shared/errors.ts';
import { keepState } from '../../runfolder/keptStates.ts';
import type { Run } from './run.ts';
import { saveRunState } from './state.ts';
import { takeStep } from './step.ts';
import { keepTuning } from '../tuning.ts';
import { validate } from './validation.ts';

export interface LoopEnd {
  /** 'paused' and 'stopped' have written a run state. */
  outcome: 'completed' | 'stopped' | 'paused';
  /** Completed before its last step, since the validation loss had stopped falling. */
  stoppedEarly: boolean;
}

/** Losses and counts end up in `run.progress`. */
export async function trainLoop(run: Run): Promise<LoopEnd> {
  const { settings, progress, totalSteps, emit, control, team } = run;
  const { checkpointEvery, evalEvery, patience } = settings;
  let savedBest = progress.best?.step ?? null;
  const save = async (): Promise<void> => {
    if (await team.first(() => saveState(run))) savedBest = progress.best?.step ?? null;
  };
  const isSpent = (): boolean => patience > 0 && progress.evaluationsWithoutGain >= patience;
  team.agree();
  if (progress.evaluationDue) await look(run, savedBest);
  while (progress.step < totalSteps && !isSpent() && !control.stopped && !control.paused) {
    const metrics = await takeStep(run);
    if (metrics) emit({ type: 'step', ...metrics });
    await keepTuning();
    const isLast = progress.step === totalSteps;
    if (isLast || (evalEvery > 0 && progress.step % evalEvery === 0)) await look(run, savedBest);
    const isDue = checkpointEvery > 0 && progress.step % checkpointEvery === 0;
    if (isDue && !isLast && progress.badSteps === 0) await save(); // in doubt the state before is the good one
    await setImmediate(); // libtensorflow answers at once: without this no message would get in between two steps
    await control.untilReleased();
  }
  const stoppedEarly = progress.step < totalSteps && isSpent();
  const isDone = progress.step === totalSteps || stoppedEarly;
  if (isDone && !progress.evaluationDue) return { outcome: 'completed', stoppedEarly };
  await save();
  // without an evaluation, which an uninterrupted run would not make here
  if (!control.stopped) return { outcome: 'paused', stoppedEarly };
  await look(run, savedBest);
  return { outcome: 'stopped', stoppedEarly };
}

/** The validation loss and the sample texts of the values as they are; a pause puts both off until the run goes on. */
async function look(run: Run, savedBest: number | null): Promise<void> {
  const { progress, team } = run;
  progress.evaluationDue = !(await validate(run, savedBest));
  if (!progress.evaluationDue) await team.first(() => writeSamples(run));
}

async function writeSamples({ progress, sampler, emit }: Run): Promise<void> {
  if (!sampler) return;
  try {
    const texts = await sampler.texts();
    emit({ type: 'sample', step: progress.step, texts, losses: await sampler.losses() });
  } catch (error) {
    // A look at the model is not worth its training; a card that is lost ends the run at its next step.
    emit({ type: 'log', message: `No samples are written after step ${progress.step}: ${toErrorData(error).message}` });
  }
}

/** False where values were not finite, so that the state before stays. */
async function saveState({ dir, keepsOnlyNewestState, method, optimizer, progress, emit }: Run): Promise<boolean> {
  const bad = await saveRunState(dir, method.parameters, optimizer, progress);
  if (bad !== null) {
    emit({
      type: 'log',
      message: `No checkpoint is written after step ${progress.step}, since ${bad} holds values that are not finite.`,
    });
    return false;
  }
  keepState(dir, progress.step, { onlyNewest: keepsOnlyNewestState });
  emit({ type: 'checkpoint', step: progress.step });
  return true;
}
