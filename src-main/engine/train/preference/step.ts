/**
 * The gradients of a step that learns from choices. Every mean is over the whole step, so that accumulation gives the
 * same gradient as one large batch.
 */
import type * as tf from '@tensorflow/tfjs-core';
import type { Objective } from '../../../../src-shared/objectives.ts';
import type { Decoder } from '../../model/decoder.ts';
import { piecesOf, type Parameter } from '../../model/parameters.ts';
import { valuedGradients } from '../gradients.ts';
import { recomputing } from '../recompute.ts';
import { addUp, type LossOptions, type StepGradients } from '../step.ts';
import type { PreferenceBatch } from './batch.ts';
import { countStep } from './counted.ts';
import { lossOfChoices } from './objectiveLoss.ts';

export type PreferenceGradients = StepGradients & {
  /** (B) log-probabilities of the answers of each micro-batch, before the update. */
  logProbs: tf.Tensor1D[];
};

export interface PreferenceOptions extends Omit<LossOptions, 'labelSmoothing'> {
  /** KTO's reference point. */
  z?: number;
}

/** Mean loss and its gradient per parameter. The caller disposes all. */
export function accumulatePreference(
  model: Decoder,
  parameters: Parameter[],
  batches: readonly PreferenceBatch[],
  objective: Objective,
  { z = 0, beforeMicroBatch, inputNoiseOf, gradientCheckpointing = false }: PreferenceOptions = {},
): PreferenceGradients {
  const { parts, ...shares } = countStep(batches, objective);
  const trained = parameters.map(({ value }) => value);
  const trainHead = piecesOf(model.head).some((piece) => parameters.includes(piece));
  const logProbs: tf.Tensor1D[] = [];
  let total: StepGradients | undefined;
  for (const [index, part] of parts.entries()) {
    beforeMicroBatch?.(index);
    const options = {
      gradients: true,
      trainHead,
      inputNoise: inputNoiseOf?.(index),
      recompute: gradientCheckpointing ? recomputing(trained) : undefined,
    };
    const { value, beside, gradients } = valuedGradients(
      () => lossOfChoices(model, part, shares, objective, z, options),
      trained,
      { keepForward: gradientCheckpointing },
    );
    logProbs.push(beside);
    const own = { loss: value, gradients };
    total = total ? addUp(total, own) : own;
  }
  if (!total) throw new Error('a step needs at least one batch');
  return { ...total, logProbs };
}
