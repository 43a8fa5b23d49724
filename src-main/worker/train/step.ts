/**
 * One optimiser step of a run: its rows, its learning rate, its metrics, and the guard against losses that are not
 * finite.
 */
import fs from 'node:fs';
import { GraftError } from '../../../src-shared/errors.ts';
import { deviceFailure } from '../../engine/backends/deviceWatch.ts';
import { neftuneNoise } from '../../engine/train/neftune.ts';
import { applyFlat, type LossOptions, type StepResult } from '../../engine/train/step.ts';
import { peakResidentBytes } from '../../hardware/peakMemory.ts';
import { Random } from '../../../src-shared/random.ts';
import type { StepMetrics } from '../../../src-shared/training.ts';
import { runStateFile } from '../../runfolder/layout.ts';
import type { Run } from './run.ts';
import { shareOfRows, type RowShare } from './shareOfRows.ts';
import { wholeStep } from './wholeStep.ts';

/**
 * Takes the next step; null where it was skipped because loss or gradient norm was not finite.
 * Throws LOSS_NOT_FINITE after `maxBadSteps` of those in a row.
 */
export async function takeStep(run: Run): Promise<StepMetrics | null> {
  const { engine, settings, data, optimizer, progress, plan, team } = run;
  const step = progress.step + 1;
  const started = performance.now();
  const lr = run.lrOf(progress.step);
  const share = shareOfRows(plan.rowsOf(step), team, (row) => data.train.at(row)?.ids.length ?? 0);
  const { tokens, sums, preference } = await wholeStep(run, share, {
    labelSmoothing: settings.labelSmoothing,
    gradientCheckpointing: settings.gradientCheckpointing,
    ...randomDraws(run, step, share),
  });
  const result = await applyFlat(optimizer, sums, { lr, clip: settings.clip });
  const failure = engine === 'webgpu' ? deviceFailure() : null;
  if (failure) throw failure; // before anything of this step is counted or saved
  const elapsedMs = performance.now() - started;
  progress.step = step;
  progress.peakMemoryBytes = Math.max(progress.peakMemoryBytes, peakResidentBytes());
  if (!result.updated) {
    await team.each(() => countBadStep(run, result));
    return null;
  }
  const { loss, gradNorm } = result;
  progress.badSteps = 0;
  progress.tokens += tokens;
  progress.trainingMs += elapsedMs;
  if (optimizer.t === 1) progress.firstLoss = loss;
  progress.lastLoss = loss;
  return {
    step,
    loss,
    lr,
    gradNorm,
    tokensPerSecond: tokens / (elapsedMs / 1000),
    memoryBytes: process.memoryUsage.rss(),
    elapsedMs,
    ...(preference ? { preference } : {}),
  };
}

/**
 * All that is drawn at random in a micro-batch is a function of the seed and its place, and of the process where its
 * rows are dealt out.
 */
function randomDraws(
  { settings, method, team }: Run,
  step: number,
  { split }: RowShare,
): Pick<LossOptions, 'beforeMicroBatch' | 'inputNoiseOf'> {
  const { neftune, seed } = settings;
  const placeOf = (index: number): string => `${step} ${index}${split ? ` ${team.rank}` : ''}`;
  return {
    beforeMicroBatch: (index) => method.beforeTraining(placeOf(index)),
    inputNoiseOf:
      neftune > 0 ? (index) => neftuneNoise(neftune, Random.stream(seed, `neftune ${placeOf(index)}`)) : undefined,
  };
}

function countBadStep({ dir, settings, progress, emit }: Run, { loss, gradNorm }: StepResult): void {
  const { step } = progress;
  const { maxBadSteps } = settings;
  progress.badSteps++;
  progress.skippedSteps++;
  emit({
    type: 'log',
    message:
      `Step ${step} is skipped, since its loss is ${loss} and its gradient norm ${gradNorm} ` +
      `(${progress.badSteps} in a row; the run ends after ${maxBadSteps}).`,
  });
  if (progress.badSteps < maxBadSteps) return;
  const hasCheckpoint = fs.existsSync(runStateFile(dir));
  const next = hasCheckpoint
    ? 'or resume from the last checkpoint, which is from before them'
    : 'since there is no checkpoint from before them';
  throw new GraftError(
    'LOSS_NOT_FINITE',
    `${maxBadSteps} steps in a row, up to step ${step}, had no finite loss (${loss}, gradient norm ` +
      `${gradNorm}); start again with a lower learning rate or a lower clipping norm, ${next}.`,
    { step, loss, gradNorm, skippedSteps: progress.skippedSteps, hasCheckpoint },
  );
}
