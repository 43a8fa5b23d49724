/** What a micro-batch adds to the mean loss of its step under an objective. */
import * as tf from '@tensorflow/tfjs-core';
import type { KtoObjective, Objective } from '../../../../src-shared/objectives.ts';
import type { Decoder } from '../../model/decoder.ts';
import type { BatchLossOptions } from '../batchLoss.ts';
import { answerLogProbs, segmentLogProbs } from './answerLogProbs.ts';
import type { PreferenceBatch } from './batch.ts';
import { tokensOf, type Counted, type CountedStep } from './counted.ts';
import { dpoLosses, ktoLosses, oddsRatioLosses, simpoLosses, type Pairs } from './losses.ts';

/** The loss, and beside it (B) the log-probabilities of the answers. */
export type LossOfChoices = { value: tf.Scalar; beside: tf.Tensor1D };

/** `z`: KTO's reference point. Call it under tidy. */
export function lossOfChoices(
  model: Decoder,
  part: Counted,
  shares: Pick<CountedStep, 'answerShare' | 'tokenShare'>,
  objective: Objective,
  z: number,
  options: Omit<BatchLossOptions, 'labelSmoothing'>,
): LossOfChoices {
  const { batch, answers, prompts } = part;
  const found = segmentLogProbs(model, batch.rows, prompts ? [...answers, prompts] : answers, options);
  const logProbs = prompts ? tf.slice(found, 0, answers.length) : found;
  const tokens = tf.tensor1d(tokensOf(part));
  const share = (losses: tf.Tensor1D): tf.Scalar => tf.mul(tf.sum(losses), tf.scalar(shares.answerShare));
  const value = (): tf.Scalar => {
    switch (objective.type) {
      case 'dpo':
        return share(dpoLosses(pairsOf(gains(logProbs, batch)), pairsOf(tokens), objective));
      case 'orpo': {
        const usual = [tf.sum(pairsOf(logProbs).chosen), ...(prompts ? [tf.sum(tf.slice(found, answers.length))] : [])];
        const odds = share(oddsRatioLosses(pairsOf(tf.div(logProbs, tokens))));
        return tf.sub(
          tf.mul(odds, tf.scalar(objective.lambda)),
          tf.mul(tf.sum(tf.stack(usual)), tf.scalar(shares.tokenShare)),
        );
      }
      case 'simpo':
        return share(simpoLosses(pairsOf(tf.div(logProbs, tokens)), objective));
      case 'kto':
        if (!batch.good) throw new Error('the answers are not marked');
        return share(ktoLosses(gains(logProbs, batch), batch.good, z, objective));
    }
  };
  return { value: value(), beside: logProbs };
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
