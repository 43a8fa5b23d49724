/** What a run begins with, the same on every process of its team. */
import * as tf from '@tensorflow/tfjs-core';
import { replaceValue } from '../../engine/model/parameters.ts';
import type { Run } from './run.ts';

/**
 * Gives the first process's progress, trained values and moments to all: it alone reads the run state, and machines
 * that differ may round a start differently.
 */
export async function startTogether({ team, progress, method, optimizer }: Run): Promise<void> {
  if (team.size === 1) return;
  Object.assign(progress, await team.first(() => progress));
  for (const parameter of method.parameters) replaceValue(parameter, await copied(parameter.value));
  optimizer.t = progress.step - progress.skippedSteps;
  if (optimizer.t === 0) return;
  const moments = optimizer.moments();
  const given = new Map<string, tf.Tensor>();
  for (const { name, value } of moments) given.set(name, await copied(value));
  tf.dispose(moments.map(({ value }) => value));
  optimizer.restoreMoments((name) => given.get(name)!);

  async function copied(value: tf.Tensor): Promise<tf.Tensor> {
    const values = Float32Array.from(await value.data<'float32'>());
    team.copy(values);
    return tf.tensor(values, value.shape, 'float32');
  }
}
