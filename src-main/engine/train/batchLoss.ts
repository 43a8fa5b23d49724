/** The summed cross-entropy of one batch: only labelled positions reach the vocabulary projection. */
import * as tf from '@tensorflow/tfjs-core';
import { usageError } from '../../../src-shared/errors.ts';
import type { Decoder } from '../model/decoder.ts';
import type { ForwardOptions } from '../model/forwardOptions.ts';
import { packedIndex, packingOf } from '../model/packing.ts';
import { embedding } from '../ops/embedding.ts';
import { labelSmoothingTerm } from '../ops/labelSmoothing.ts';
import { linearCrossEntropy } from '../ops/linearCrossEntropy.ts';

/** B rows of T tokens, row by row, right-padded. labels: the id at that position or -100 (no loss). */
export interface Batch {
  ids: Int32Array;
  labels: Int32Array;
  /** 1 for a real token, 0 for padding. */
  mask: Int32Array;
  B: number;
  T: number;
  /**
   * (B) the class of each row: its last token is then the only one that carries loss, and the model's head is one of
   * classes.
   */
  classes?: Int32Array;
}

/**
 * Positions whose next token is labelled, as positions b·T + t, and those next tokens; or each row's last, and the
 * classes.
 */
export function labelledRows({ labels, mask, B, T, classes }: Batch): { rows: Int32Array; targets: Int32Array } {
  if (classes)
    return {
      rows: Int32Array.from({ length: B }, (_, b) => b * T + mask.subarray(b * T, (b + 1) * T).lastIndexOf(1)),
      targets: classes,
    };
  const rows: number[] = [];
  const targets: number[] = [];
  for (let b = 0; b < B; b++) {
    for (let t = 0; t + 1 < T; t++) {
      const label = labels[b * T + t + 1]!;
      if (label < 0) continue;
      rows.push(b * T + t);
      targets.push(label);
    }
  }
  return { rows: Int32Array.from(rows), targets: Int32Array.from(targets) };
}

export function countTokens({ mask }: Batch): number {
  let count = 0;
  for (const m of mask) count += m;
  return count;
}

export interface BatchLossOptions extends Pick<ForwardOptions, 'inputNoise' | 'recompute'> {
  /** It will be differentiated, also for the vocabulary projection W with `trainHead`. */
  gradients: boolean;
  trainHead: boolean;
  /** Absent or 0: none. */
  labelSmoothing?: number | undefined;
}

/** Sum of the cross-entropy over the labelled tokens. Call it under tidy. */
export function batchLoss(
  model: Decoder,
  batch: Batch,
  { gradients, trainHead, labelSmoothing = 0, ...forward }: BatchLossOptions,
): tf.Scalar {
  const cap = batch.classes ? 0 : (model.spec.logitCap ?? 0);
  if (cap > 0 && labelSmoothing > 0)
    throw usageError(
      'NO_LABEL_SMOOTHING',
      `Label smoothing does not work with the capped logits of a ${model.spec.family} model; set it to 0.`,
      { family: model.spec.family },
    );
  const { states: found, targets } = labelledStates(model, batch, forward);
  const states = batch.classes ? found : model.headInput(found);
  const labels = tf.tensor1d(targets, 'int32');
  const loss = linearCrossEntropy(states, model.head, labels, { gradients, trainW: trainHead, cap });
  return labelSmoothing > 0 ? tf.add(loss, labelSmoothingTerm(states, model.head, labels, labelSmoothing)) : loss;
}

/** Hidden states of the labelled positions, (M, C), and what they are to predict. Call it under tidy. */
export function labelledStates(
  model: Decoder,
  batch: Batch,
  forward: Pick<ForwardOptions, 'inputNoise' | 'recompute'> = {},
): { states: tf.Tensor2D; targets: Int32Array } {
  const { rows, targets } = labelledRows(batch);
  return { states: statesAt(model, batch, rows, forward), targets };
}

/** Hidden states, (M, C), at positions b·T + t. Call it under tidy. */
export function statesAt(
  model: Decoder,
  batch: Batch,
  positions: Int32Array,
  forward: Pick<ForwardOptions, 'inputNoise' | 'recompute'> = {},
): tf.Tensor2D {
  const index = packedIndex(batch.mask);
  const ids = index.tokens.map((position) => batch.ids[position]!);
  const h = model.hidden(ids, batch.B, batch.T, { ...forward, packing: packingOf(index, batch.T) }); // (N, C)
  return embedding(
    h,
    tf.tensor1d(
      positions.map((position) => index.grid[position]!),
      'int32',
    ),
  );
}
