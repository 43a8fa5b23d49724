/**
 * The gradients of a step that learns from choices. Every mean is over the whole step, so that accumulation gives the
 * same gradient as one large batch.
 */
import * as tf from '@tensorflow/tfjs-core';
import type { KtoObjective, Objective } from '../../../../src-shared/objectives.ts';
import type { Decoder } from '../../model/decoder.ts';
import type { InputNoise } from '../../model/forwardOptions.ts';
import { piecesOf, type Parameter } from '../../model/parameters.ts';
import { valuedGradients } from '../gradients.ts';
import { recomputing } from '../recompute.ts';
import { addUp, type LossOptions, type StepGradients } from '../step.ts';
import { answerLogProbs, answerSegments, segmentLogProbs, type Segment } from './answerLogProbs.ts';
import type { PreferenceBatch } from './batch.ts';
import { dpoLosses, ktoLosses, oddsRatioLosses, simpoLosses, type Pairs } from './losses.ts';
import { chosenPrompts, countOf } from './usualLoss.ts';

export interface PreferenceGradients extends StepGradients {
  /** (B) log-probabilities of the answers of each micro-batch, before the update. */
  logProbs: tf.Tensor1D[];
}

export interface PreferenceOptions extends Omit<LossOptions, 'labelSmoothing'> {
  /** KTO's reference point. */
  z?: number;
}

type WithNoise = { inputNoise: InputNoise | undefined };

/** What counts in one micro-batch, as plain numbers. */
interface Counted {
  batch: PreferenceBatch;
  /** One per row. */
  answers: Segment[];
  /** Further tokens of ORPO's usual loss; null where there are none. */
  prompts: Segment | null;
}

/** What a part of the loss counts for in the mean over a step. */
interface Shares {
  /** Of a pair, or of a single answer. */
  answer: number;
  /** Of a token of the usual loss (ORPO). */
  token: number;
}

/** Mean loss and its gradient per parameter. The caller disposes all. */
export function accumulatePreference(
  model: Decoder,
  parameters: Parameter[],
  batches: PreferenceBatch[],
  objective: Objective,
  { z = 0, ...options }: PreferenceOptions = {},
): PreferenceGradients {
  const all = batches.map((batch): Counted => ({
    batch,
    answers: answerSegments(batch.rows),
    prompts: objective.type === 'orpo' && objective.lossOn === 'all' ? chosenPrompts(batch.rows) : null,
  }));
  const shares = sharesOf(all, objective);
  const logProbs: tf.Tensor1D[] = [];
  let total: StepGradients | undefined;
  for (const [index, counted] of all.entries()) {
    options.beforeMicroBatch?.(index);
    const inputNoise = options.inputNoiseOf?.(index);
    const loss = (found: tf.Tensor1D): tf.Scalar => lossOf(objective, counted, found, { ...shares, z });
    const own = microBatch(model, parameters, counted, loss, { ...options, inputNoise });
    logProbs.push(own.logProbs);
    total = total ? addUp(total, own) : own;
  }
  if (!total) throw new Error('a step needs at least one batch');
  return { loss: total.loss, gradients: total.gradients, logProbs };
}

function sharesOf(all: readonly Counted[], { type }: Objective): Shares {
  const rows = all.reduce((sum, { answers }) => sum + answers.length, 0);
  const tokens = all.reduce((sum, counted) => sum + countOf(counted), 0);
  return { answer: type === 'kto' ? 1 / rows : 2 / rows, token: 1 / tokens };
}

/** `loss`: of the log-probability of each segment, the answers first. */
function microBatch(
  model: Decoder,
  parameters: Parameter[],
  { batch, answers, prompts }: Counted,
  loss: (found: tf.Tensor1D) => tf.Scalar,
  { gradientCheckpointing = false, inputNoise }: Pick<PreferenceOptions, 'gradientCheckpointing'> & WithNoise,
): StepGradients & { logProbs: tf.Tensor1D } {
  const trained = parameters.map(({ value }) => value);
  const options = {
    gradients: true,
    trainHead: piecesOf(model.head).some((piece) => parameters.includes(piece)),
    inputNoise,
    recompute: gradientCheckpointing ? recomputing(trained) : undefined,
  };
  const segments = prompts ? [...answers, prompts] : answers;
  const compute = (): { value: tf.Scalar; beside: tf.Tensor1D } => {
    const found = segmentLogProbs(model, batch.rows, segments, options);
    return { value: loss(found), beside: tf.slice(found, 0, answers.length) };
  };
  const { value, beside, gradients } = valuedGradients(compute, trained, { keepForward: gradientCheckpointing });
  return { loss: value, gradients, logProbs: beside };
}

function lossOf(
  objective: Objective,
  { batch, answers, prompts }: Counted,
  found: tf.Tensor1D,
  { answer, token, z }: Shares & { z: number },
): tf.Scalar {
  const logProbs = prompts ? tf.slice(found, 0, answers.length) : found;
  const tokens = tf.tensor1d(answers.map(({ targets }) => targets.length));
  const share = (losses: tf.Tensor1D): tf.Scalar => tf.mul(tf.sum(losses), tf.scalar(answer));
  switch (objective.type) {
    case 'dpo':
      return share(dpoLosses(pairsOf(gains(logProbs, batch)), pairsOf(tokens), objective));
    case 'orpo': {
      const usual = [tf.sum(pairsOf(logProbs).chosen), ...(prompts ? [tf.sum(tf.slice(found, answers.length))] : [])];
      const odds = share(oddsRatioLosses(pairsOf(tf.div(logProbs, tokens))));
      return tf.sub(tf.mul(odds, tf.scalar(objective.lambda)), tf.mul(tf.sum(tf.stack(usual)), tf.scalar(token)));
    }
    case 'simpo':
      return share(simpoLosses(pairsOf(tf.div(logProbs, tokens)), objective));
    case 'kto':
      if (!batch.good) throw new Error('the answers are not marked');
      return share(ktoLosses(gains(logProbs, batch), batch.good, z, objective));
  }
}

/** D of each answer. */
function gains(logProbs: tf.Tensor1D, { reference }: PreferenceBatch): tf.Tensor1D {
  if (!reference) throw new Error('the answers have not been measured under the reference');
  return tf.sub(logProbs, tf.tensor1d(reference));
}

function pairsOf(values: tf.Tensor1D): Pairs {
  const [chosen, rejected] = tf.split(values, 2) as [tf.Tensor1D, tf.Tensor1D];
  return { chosen, rejected };
}

/**
 * KTO's reference point: the mean of D over answers to other questions, at least 0, over the whole step. Batches hold
 * them where the objective asks for it.
 */
export async function referencePoint(
  model: Decoder,
  batches: readonly PreferenceBatch[],
  { referencePoint: from }: Pick<KtoObjective, 'referencePoint'>,
): Promise<number> {
  if (from === 'zero') return 0;
  const gained: number[] = [];
  for (const { mismatched } of batches) {
    if (!mismatched) throw new Error('a batch has no answers to other questions');
    const { logProbs } = await answerLogProbs(model, mismatched.rows);
    for (const [row, known] of mismatched.reference.entries()) gained.push(logProbs[row]! - known);
  }
  return Math.max(0, gained.reduce((a, b) => a + b, 0) / gained.length);
}
