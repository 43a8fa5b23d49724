/** How likely a model finds whole answers: log-probabilities summed over tokens, in one forward pass over all rows. */
import * as tf from '@tensorflow/tfjs-core';
import { usageError } from '../../../../src-shared/errors.ts';
import type { Decoder } from '../../model/decoder.ts';
import { linearCrossEntropy } from '../../ops/linearCrossEntropy.ts';
import { labelledRows, statesAt, type Batch, type BatchLossOptions } from '../batchLoss.ts';

/** Tokens whose log-probabilities are summed: each is predicted at a position b·T + t. */
export interface Segment {
  positions: number[];
  targets: number[];
}

/** (S) the summed log-probability of each segment, none of which is empty. Call it under tidy. */
export function segmentLogProbs(
  model: Decoder,
  batch: Batch,
  segments: readonly Segment[],
  { gradients, trainHead, ...forward }: Omit<BatchLossOptions, 'labelSmoothing'>,
): tf.Tensor1D {
  const positions = Int32Array.from(segments.flatMap((segment) => segment.positions));
  const states = model.headInput(statesAt(model, batch, positions, forward));
  const sizes = segments.map(({ targets }) => targets.length);
  const parts: tf.Tensor2D[] = tf.split(states, sizes, 0);
  const cap = model.spec.logitCap ?? 0;
  const sums = parts.map((part, i) =>
    linearCrossEntropy(part, model.head, tf.tensor1d(segments[i]!.targets, 'int32'), {
      gradients,
      trainW: trainHead,
      cap,
    }),
  );
  return tf.neg(tf.stack(sums) as tf.Tensor1D);
}

/** The labelled tokens of each row. Throws a usage error EMPTY_ANSWER for a row without one: it has no likelihood. */
export function answerSegments(batch: Batch): Segment[] {
  const segments = Array.from({ length: batch.B }, (): Segment => ({ positions: [], targets: [] }));
  const { rows, targets } = labelledRows(batch);
  rows.forEach((position, i) => {
    const segment = segments[Math.floor(position / batch.T)]!;
    segment.positions.push(position);
    segment.targets.push(targets[i]!);
  });
  if (segments.some(({ positions }) => positions.length === 0))
    throw usageError('EMPTY_ANSWER', 'An answer has no token that could be learnt; leave its row out.');
  return segments;
}

/** (B) of each row's answer, without gradients, and its tokens. */
export async function answerLogProbs(
  model: Decoder,
  batch: Batch,
): Promise<{ logProbs: Float32Array; tokens: number[] }> {
  const segments = answerSegments(batch);
  const sums = tf.tidy(() => segmentLogProbs(model, batch, segments, { gradients: false, trainHead: false }));
  const logProbs = (await sums.data()) as Float32Array;
  sums.dispose();
  return { logProbs, tokens: segments.map(({ targets }) => targets.length) };
}
