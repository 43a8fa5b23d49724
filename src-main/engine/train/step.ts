/** One optimiser step over one or more micro-batches. */
import * as tf from '@tensorflow/tfjs-core';
import type { Decoder } from '../model/decoder.ts';
import type { InputNoise } from '../model/forwardOptions.ts';
import { piecesOf, type Parameter } from '../model/parameters.ts';
import { sumOfSquares } from '../ops/sumOfSquares.ts';
import type { AdamW } from '../optim/adamw.ts';
import { batchLoss, labelledRows, type Batch } from './batchLoss.ts';
import { valueAndGradients } from './gradients.ts';
import { recomputing } from './recompute.ts';

export interface LossOptions {
  /** Called before each micro-batch's forward pass, e.g. to set its dropout stream. */
  beforeMicroBatch?: (index: number) => void;
  /** Noise on the token embeddings of a micro-batch; absent: none. */
  inputNoiseOf?: ((index: number) => InputNoise) | undefined;
  /** Share of the target spread over the whole vocabulary; absent: none. */
  labelSmoothing?: number;
  /** Labelled tokens of the whole step, where the batches are a part of it; absent: those of the batches. */
  labelled?: number;
  /** Keep only the start of each block and compute the rest again for its gradient. */
  gradientCheckpointing?: boolean;
}

export interface StepOptions extends LossOptions {
  lr: number;
  /** Largest global gradient norm; 0 turns clipping off. */
  clip: number;
}

/** Mean loss of a step and its gradient per parameter. */
export type StepGradients = {
  loss: tf.Scalar;
  gradients: tf.Tensor[];
};

/** The same as few long vectors, as AdamW.flatten makes them. */
export type FlatGradients = {
  loss: tf.Scalar;
  flat: tf.Tensor1D[];
};

export interface StepResult {
  /** Mean cross-entropy per labelled token of the whole step, before the update. */
  loss: number;
  /** Global gradient norm before clipping. */
  gradNorm: number;
  /** False: loss or norm is not finite, so neither parameters nor the optimiser were touched. */
  updated: boolean;
}

/**
 * Loss of the step = summed token losses of all micro-batches / labelled tokens of all micro-batches, so that
 * accumulation gives the same gradient as one large batch. Updates `parameters` through `optimizer`.
 */
export async function trainStep(
  model: Decoder,
  parameters: Parameter[],
  optimizer: AdamW,
  batches: Batch[],
  options: StepOptions,
): Promise<StepResult> {
  return applyGradients(optimizer, accumulateGradients(model, parameters, batches, options), options);
}

/** The update from what `accumulateGradients` gave, which is used up. */
export async function applyGradients(
  optimizer: AdamW,
  { loss, gradients }: StepGradients,
  options: Pick<StepOptions, 'lr' | 'clip'>,
): Promise<StepResult> {
  return applyFlat(optimizer, { loss, flat: optimizer.flatten(gradients) }, options);
}

/** The update from gradients that are flat already, which are used up. */
export async function applyFlat(
  optimizer: AdamW,
  { loss, flat }: FlatGradients,
  { lr, clip }: Pick<StepOptions, 'lr' | 'clip'>,
): Promise<StepResult> {
  const norm = globalNorm(flat);
  const report = tf.stack([loss, norm]);
  const [lossValue = NaN, normValue = NaN] = (await report.data()) as Float32Array;
  const updated = Number.isFinite(lossValue) && Number.isFinite(normValue);
  if (updated) {
    const scale = tf.tidy(() => clipScale(norm, clip));
    optimizer.step(flat, lr, scale);
    scale.dispose();
  }
  tf.dispose([loss, norm, report, ...flat]);
  return { loss: lossValue, gradNorm: normValue, updated };
}

/** Mean loss and its gradient per parameter, over all micro-batches. The caller disposes them. */
export function accumulateGradients(
  model: Decoder,
  parameters: Parameter[],
  batches: Batch[],
  options: LossOptions = {},
): StepGradients {
  const labelled = options.labelled ?? batches.reduce((sum, batch) => sum + labelledRows(batch).rows.length, 0);
  const share = 1 / labelled;
  let total: StepGradients | undefined;
  batches.forEach((batch, index) => {
    options.beforeMicroBatch?.(index);
    const inputNoise = options.inputNoiseOf?.(index);
    const own = microBatchGradients(model, parameters, batch, share, { ...options, inputNoise });
    total = total ? addUp(total, own) : own;
  });
  if (!total) throw new Error('a step needs at least one batch');
  return total;
}

/** Both are used up. */
export function addUp(total: StepGradients, own: StepGradients): StepGradients {
  return {
    loss: addAndDispose(total.loss, own.loss),
    gradients: own.gradients.map((gradient, i) => {
      const sum = total.gradients[i];
      return sum ? addAndDispose(sum, gradient) : gradient;
    }),
  };
}

/** `share` times the summed loss of one micro-batch, and its gradient per parameter. */
function microBatchGradients(
  model: Decoder,
  parameters: Parameter[],
  batch: Batch,
  share: number,
  { labelSmoothing, gradientCheckpointing = false, inputNoise }: LossOptions & { inputNoise: InputNoise | undefined },
): StepGradients {
  const trainHead = piecesOf(model.head).some((piece) => parameters.includes(piece));
  const trained = parameters.map(({ value }) => value);
  const recompute = gradientCheckpointing ? recomputing(trained) : undefined;
  const options = { gradients: true, trainHead, labelSmoothing, inputNoise, recompute };
  const loss = (): tf.Scalar => tf.mul(batchLoss(model, batch, options), tf.scalar(share));
  const { value, gradients } = valueAndGradients(loss, trained, { keepForward: gradientCheckpointing });
  return { loss: value, gradients };
}

function addAndDispose<T extends tf.Tensor>(a: T, b: T): T {
  const sum: T = tf.add(a, b);
  tf.dispose([a, b]);
  return sum;
}

/** sqrt of the sum of squares over all tensors. */
export function globalNorm(tensors: tf.Tensor[]): tf.Scalar {
  return tf.tidy(() => tf.sqrt(tf.sum(tf.concat(tensors.map(sumOfSquares)))) as tf.Scalar);
}

/** min(1, clip / (norm + 1e-6)), as torch.nn.utils.clip_grad_norm_. */
function clipScale(norm: tf.Scalar, clip: number): tf.Scalar {
  if (clip === 0) return tf.scalar(1);
  return tf.minimum(tf.div(tf.scalar(clip), tf.add(norm, tf.scalar(1e-6))), tf.scalar(1)) as tf.Scalar;
}
