/**
 * The gradients of a whole step: this process's, and those of the others where a run has several. Each divides the
 * losses of its own rows by the labelled tokens of all rows, which it counts itself, so that sums are all there is to
 * exchange: gradients, loss, tokens, and what a team has to learn, as one vector.
 */
import * as tf from '@tensorflow/tfjs-core';
import { collate } from '../../datasets/batches.ts';
import { deviceFailure } from '../../engine/backends/deviceWatch.ts';
import { labelledRows } from '../../engine/train/batchLoss.ts';
import type { FlatGradients, LossOptions } from '../../engine/train/step.ts';
import { gradientsInMemory } from './memoryGuard.ts';
import type { Run } from './run.ts';
import type { RowShare } from './shareOfRows.ts';
import type { MeasuredStep } from './stepWork.ts';
import { TEAM_VALUES } from './team.ts';

export interface WholeStep extends Pick<MeasuredStep, 'tokens' | 'preference'> {
  sums: FlatGradients;
}

/** Throws, on all processes, what gradientsInMemory throws on one. */
export async function wholeStep(run: Run, share: RowShare, options: LossOptions): Promise<WholeStep> {
  const { team, optimizer } = run;
  if (team.size === 1) {
    const { sums, ...measured } = await gradientsInMemory(run, share, options);
    return { ...measured, sums: { loss: sums.loss, flat: optimizer.flatten(sums.gradients) } };
  }
  const sizes = optimizer.vectorSizes();
  const total = sizes.reduce((sum, size) => sum + size, 0);
  const values = new Float32Array(total + 2 + TEAM_VALUES);
  let failure: unknown;
  try {
    if (share.own.length > 0) await writeOwn(run, share, options, values);
  } catch (error) {
    failure = error;
  }
  team.sumStep(values, failure);
  let start = 0;
  const flat = sizes.map((size) => tf.tensor1d(values.subarray(start, (start += size)), 'float32'));
  return { tokens: values[total + 1]!, sums: { loss: tf.scalar(values[total]!), flat } };
}

/** Gradients one vector behind the other, then the loss and the tokens of this process's rows. */
async function writeOwn(run: Run, share: RowShare, options: LossOptions, values: Float32Array): Promise<void> {
  const { optimizer, engine } = run;
  const { tokens, sums } = await gradientsInMemory(run, share, { ...options, labelled: labelledIn(run, share.all) });
  const vectors = [...optimizer.flatten(sums.gradients), sums.loss];
  const found = await Promise.all(vectors.map((vector) => vector.data<'float32'>()));
  tf.dispose(vectors);
  const failure = engine === 'webgpu' ? deviceFailure() : null;
  if (failure) throw failure;
  let end = 0;
  for (const part of found) {
    values.set(part, end);
    end += part.length;
  }
  values[end] = tokens;
}

function labelledIn({ data }: Pick<Run, 'data'>, rows: readonly number[]): number {
  return rows.reduce((sum, row) => sum + labelledRows(collate(data.train, [row], data.padId)).rows.length, 0);
}
