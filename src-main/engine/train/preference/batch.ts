/** Answers to choose between, as one batch of rows. */
import type { Batch } from '../batchLoss.ts';

export interface PreferenceBatch {
  /**
   * Pairs: the chosen answers, then in the same order the rejected ones. Single answers: in any order. Labels are on
   * the answers alone.
   */
  rows: Batch;
  /** (B) log-probabilities of the answers under the reference; absent where the objective has none. */
  reference?: Float32Array;
  /** Of single answers: 1 for a good one, 0 for a bad one. */
  good?: Uint8Array;
  /** Of single answers: each prompt with the answer to another one, for the reference point from data. */
  mismatched?: { rows: Batch; reference: Float32Array };
}
