/** The loop over optimiser steps: batches, events, evaluation, checkpoints, pause and stop. */
import { setImmediate } from 'node:timers/promises';
import { collate, rowsOfStep } from '../datasets/batches.ts';
import type { TokenisedExample } from '../datasets/types.ts';
import { GraftError } from '../errors.ts';
import { deviceFailure } from '../engine/backend/deviceWatch.ts';
import type { Decoder } from '../engine/model/decoder.ts';
import type { AdamW } from '../engine/optim/adamw.ts';
import { scheduleFactor, warmupSteps } from '../engine/optim/schedule.ts';
import { countTokens } from '../engine/train/batchLoss.ts';
import { evaluateLoss } from '../engine/train/evaluate.ts';
import { trainStep } from '../engine/train/step.ts';
import type { CallControl } from './control.ts';
import { evaluationBatches } from './evaluate.ts';
import type { AttachedMethod } from './method.ts';
import type { RunSpec, StepMetrics, TrainEvent } from './protocol.ts';
import { saveRunState, type Progress } from './runState.ts';
import { keepTuning } from './tuning.ts';

export interface LoopInput {
  spec: RunSpec;
  model: Decoder;
  method: AttachedMethod;
  optimizer: AdamW;
  /** Where to go on from; kept up to date. */
  progress: Progress;
  totalSteps: number;
  train: TokenisedExample[];
  val: TokenisedExample[];
  padId: number;
  emit: (event: TrainEvent) => void;
  control: CallControl;
}

/** Losses and counts end up in `input.progress`. */
export async function trainLoop(input: LoopInput): Promise<'completed' | 'stopped'> {
  const { spec, progress, totalSteps, emit, control } = input;
  const { checkpointEvery, evalEvery } = spec.train;
  if (progress.step === 0) {
    await reportValidation(input);
    progress.initialValLoss = progress.valLoss;
  }
  while (progress.step < totalSteps && !control.stopped) {
    const metrics = await oneStep(input);
    emit({ type: 'step', ...metrics });
    await keepTuning();
    const isLast = progress.step === totalSteps;
    if (isLast || (evalEvery > 0 && progress.step % evalEvery === 0)) await reportValidation(input);
    if (!isLast && checkpointEvery > 0 && progress.step % checkpointEvery === 0) await checkpoint(input);
    await setImmediate(); // libtensorflow answers at once: without this no message would get in between two steps
    if (control.paused) await pause(input);
  }
  const outcome = progress.step < totalSteps ? 'stopped' : 'completed';
  if (outcome === 'stopped') {
    await checkpoint(input);
    await reportValidation(input);
  }
  return outcome;
}

async function oneStep({ spec, model, method, optimizer, progress, totalSteps, train, padId }: LoopInput): Promise<StepMetrics> {
  const settings = spec.train;
  const step = progress.step + 1;
  const started = performance.now();
  const batches = rowsOfStep(train.length, settings.batch, settings.accumulate, settings.seed, step).map((rows) => collate(train, rows, padId));
  const lr = settings.lr * scheduleFactor(settings.schedule, progress.step, warmupSteps(settings.warmup, totalSteps), totalSteps);
  const { loss, gradNorm } = await trainStep(model, method.parameters, optimizer, batches, {
    lr,
    clip: settings.clip,
    beforeMicroBatch: (index) => method.beforeTraining(`${step} ${index}`),
  });
  const failure = spec.engine === 'webgpu' ? deviceFailure() : null;
  if (failure) throw failure; // before anything of this step is counted or saved
  if (!Number.isFinite(loss) || !Number.isFinite(gradNorm)) {
    throw new GraftError('LOSS_NOT_FINITE', `The loss became ${loss} (gradient norm ${gradNorm}) at step ${step}; lower the learning rate or clip gradients, and resume from the last checkpoint.`, { step, loss, gradNorm, lr });
  }
  const elapsedMs = performance.now() - started;
  const tokens = batches.reduce((sum, batch) => sum + countTokens(batch), 0);
  progress.step = step;
  progress.tokens += tokens;
  progress.trainingMs += elapsedMs;
  progress.peakMemoryBytes = Math.max(progress.peakMemoryBytes, process.resourceUsage().maxRSS * 1024);
  if (step === 1) progress.firstLoss = loss;
  progress.lastLoss = loss;
  return { step, loss, lr, gradNorm, tokensPerSecond: tokens / (elapsedMs / 1000), memoryBytes: process.memoryUsage.rss(), elapsedMs };
}

/** Mean validation loss; nothing to do without validation rows. */
async function reportValidation({ model, method, val, spec, padId, progress, emit }: LoopInput): Promise<void> {
  if (!val.length) return;
  method.beforeEvaluation();
  progress.valLoss = (await evaluateLoss(model, evaluationBatches(val, spec.train.batch, padId))).loss;
  emit({ type: 'eval', step: progress.step, valLoss: progress.valLoss });
}

async function checkpoint({ spec, method, optimizer, progress, emit }: LoopInput): Promise<void> {
  await saveRunState(spec.runDir, method.parameters, optimizer, progress);
  emit({ type: 'checkpoint', step: progress.step });
}

/** Saves first, so that a paused run survives the end of the app. */
async function pause(input: LoopInput): Promise<void> {
  await checkpoint(input);
  input.emit({ type: 'paused', step: input.progress.step });
  await input.control.paused;
  if (!input.control.stopped) input.emit({ type: 'continued', step: input.progress.step });
}
