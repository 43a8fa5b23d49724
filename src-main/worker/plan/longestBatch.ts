/** The micro-batch of a run that takes the most memory. */
import { collate } from '../../datasets/batches.ts';
import { collateAnswers } from '../../datasets/choices.ts';
import { lengthsOf } from '../../datasets/tokens/rowList.ts';
import type { Batch } from '../../engine/train/batchLoss.ts';
import { batchPlanOf, type Draft } from '../train/draft.ts';

/** The one with the most tokens in the first epoch. */
export function longestBatch(draft: Pick<Draft, 'train' | 'data' | 'epochEnds' | 'objective'>): Batch {
  const rows = draft.data.train;
  const lengths = lengthsOf(rows);
  const plan = batchPlanOf(draft);
  let longest: number[] = [];
  let most = 0;
  for (let step = 1; step <= plan.stepsFor(1); step++) {
    for (const batch of plan.rowsOf(step)) {
      const tokens = batch.reduce((sum, row) => sum + lengths[row]!, 0);
      if (tokens > most) [longest, most] = [batch, tokens];
    }
  }
  const { padId } = draft.data;
  if (!draft.objective) return collate(rows, longest, padId);
  // Both answers of a pair are computed at once; the reference before them takes less.
  return collateAnswers(
    longest.map((row) => rows.at(row)!),
    padId,
  );
}
