/** Mean cross-entropy per labelled token over many batches, without gradients. */
import * as tf from '@tensorflow/tfjs-core';
import type { Decoder } from '../model/decoder.ts';
import { batchLoss, labelledRows, type Batch } from './batchLoss.ts';

/**
 * The mean, its sum and its count. Batches without a labelled token are passed over. `onBatch` is told
 * how many have been done; what it throws ends the evaluation.
 */
export async function evaluateLoss(
  model: Decoder,
  batches: Iterable<Batch>,
  onBatch?: (done: number) => void | Promise<void>,
): Promise<{ loss: number; sum: number; tokens: number }> {
  let sum = 0;
  let tokens = 0;
  let done = 0;
  for (const batch of batches) {
    const labelled = labelledRows(batch).rows.length;
    if (labelled > 0) {
      const loss = tf.tidy(() => batchLoss(model, batch, { gradients: false, trainHead: false }));
      const [batchSum = NaN] = await loss.data();
      sum += batchSum;
      loss.dispose();
      tokens += labelled;
    }
    await onBatch?.(++done);
  }
  return { loss: sum / tokens, sum, tokens };
}
