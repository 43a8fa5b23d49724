/** The loop over optimiser steps: events, evaluation, checkpoints, pause, stop and early stop. */
import { setImmediate } from 'node:timers/promises';
import { saveRunState } from './runState.ts';
import { takeStep, type LoopInput } from './takeStep.ts';
import { keepTuning } from './tuning.ts';
import { validate } from './validation.ts';

export interface LoopEnd {
  outcome: 'completed' | 'stopped';
  /** Completed before its last step, since the validation loss had stopped falling. */
  stoppedEarly: boolean;
}

/** Losses and counts end up in `input.progress`. */
export async function trainLoop(input: LoopInput): Promise<LoopEnd> {
  const { spec, progress, totalSteps, emit, control } = input;
  const { checkpointEvery, evalEvery, patience } = spec.train;
  let savedBest = progress.best?.step ?? null;
  const checkpoint = async (): Promise<void> => {
    if (await writeCheckpoint(input)) savedBest = progress.best?.step ?? null;
  };
  const isSpent = (): boolean => patience > 0 && progress.evaluationsWithoutGain >= patience;
  if (progress.step === 0) await validate(input, savedBest);
  while (progress.step < totalSteps && !isSpent() && !control.stopped) {
    const metrics = await takeStep(input);
    if (metrics) emit({ type: 'step', ...metrics });
    await keepTuning();
    const isLast = progress.step === totalSteps;
    if (isLast || (evalEvery > 0 && progress.step % evalEvery === 0)) await validate(input, savedBest);
    const isDue = checkpointEvery > 0 && progress.step % checkpointEvery === 0;
    if (isDue && !isLast && progress.badSteps === 0) await checkpoint(); // in doubt the one before is the good one
    await setImmediate(); // libtensorflow answers at once: without this no message would get in between two steps
    if (control.paused) await pause(input, checkpoint);
  }
  const stoppedEarly = progress.step < totalSteps && isSpent();
  if (progress.step === totalSteps || stoppedEarly) return { outcome: 'completed', stoppedEarly };
  await checkpoint();
  await validate(input, savedBest);
  return { outcome: 'stopped', stoppedEarly };
}

/** False where values were not finite, so that the checkpoint before stays. */
async function writeCheckpoint({ spec, method, optimizer, progress, emit }: LoopInput): Promise<boolean> {
  const bad = await saveRunState(spec.runDir, method.parameters, optimizer, progress);
  if (bad === null) emit({ type: 'checkpoint', step: progress.step });
  else emit({ type: 'log', message: `No checkpoint is written after step ${progress.step}, since ${bad} holds values that are not finite.` });
  return bad === null;
}

/** Saves first, so that a paused run survives the end of the app. */
async function pause(input: LoopInput, checkpoint: () => Promise<void>): Promise<void> {
  await checkpoint();
  input.emit({ type: 'paused', step: input.progress.step });
  await input.control.paused;
  if (!input.control.stopped) input.emit({ type: 'continued', step: input.progress.step });
}
