/**
 * Classification of whole texts: a head `score` (K, C) without bias on the hidden state of a row's last token, as
 * transformers' models for sequence classification have it. It enters the training loop as one more trained parameter
 * of the adapter, under the name `score.weight`, which the decoder takes as its head where it is there; and by
 * `classes` of the batch, the label of each row, which then is all that carries loss. Everything else (steps,
 * accumulation, checkpoints, evaluation by loss) is as for text. Here: the predictions, and what they are worth.
 */
import type { ClassScores } from '../../../src-shared/training.ts';
import * as tf from '@tensorflow/tfjs-core';
import type { Decoder } from '../model/decoder.ts';
import { frozenLinear } from '../ops/frozenLinear.ts';
import { labelledStates, type Batch } from './batchLoss.ts';

/**
 * Mean cross-entropy per row, its sum, and the class that each row of the batches gets, in their order, beside the one
 * that it has.
 */
export async function evaluateClasses(
  model: Decoder,
  batches: Iterable<Batch>,
  onBatch?: (done: number) => void | Promise<void>,
): Promise<{ loss: number; sum: number; predicted: number[]; actual: number[] }> {
  let sum = 0;
  let done = 0;
  const predicted: number[] = [];
  const actual: number[] = [];
  for (const batch of batches) {
    const { loss, best } = tf.tidy(() => {
      const { states, targets } = labelledStates(model, batch);
      const logits = frozenLinear(states, model.head, undefined, 'out_in'); // (B, K)
      const own = tf.sum(tf.mul(logits, tf.oneHot(tf.tensor1d(targets, 'int32'), logits.shape[1])));
      return { loss: tf.sub(tf.sum(tf.logSumExp(logits, -1)), own), best: tf.argMax(logits, -1) };
    });
    const [batchSum = NaN] = await loss.data();
    sum += batchSum;
    for (const label of await best.data()) predicted.push(label);
    for (const label of batch.classes ?? []) actual.push(label);
    tf.dispose([loss, best]);
    await onBatch?.(++done);
  }
  return { loss: sum / actual.length, sum, predicted, actual };
}

/** Accuracy and F1 = 2·TP / (2·TP + FP + FN) of `count` classes. */
export function classScores(predicted: readonly number[], actual: readonly number[], count: number): ClassScores {
  const hits = actual.filter((wanted, i) => predicted[i] === wanted).length;
  const f1Of = (one: number): number => {
    const both = actual.filter((wanted, i) => wanted === one && predicted[i] === one).length;
    const either = actual.filter((wanted) => wanted === one).length + predicted.filter((got) => got === one).length;
    return either === 0 ? 0 : (2 * both) / either;
  };
  const all = Array.from({ length: count }, (_, one) => f1Of(one));
  const [, second] = all;
  return {
    accuracy: hits / actual.length,
    ...(count === 2 && second !== undefined ? { f1: second } : {}),
    macroF1: all.reduce((sum, f1) => sum + f1, 0) / count,
  };
}
