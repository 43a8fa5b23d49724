/** The micro-batch of a run that takes the most memory. */
import { collate } from '../../datasets/batches.ts';
import { collateAnswers } from '../../datasets/choices.ts';
import { lengthsOf } from '../../datasets/tokens/rowList.ts';
import type { Batch } from '../../engine/train/batchLoss.ts';
import { batchPlanOf, type Draft } from '../train/draft.ts';

type Planned = Pick<Draft, 'train' | 'data' | 'epochEnds' | 'objective'>;

/** The one with the most tokens in the first epoch; of choices with all their answers. */
export function longestBatch(draft: Planned): Batch {
  const { train: rows, padId } = draft.data;
  const longest = longestRows(draft);
  if (!draft.objective) return collate(rows, longest, padId);
  return collateAnswers(
    longest.map((row) => rows.at(row)!),
    padId,
  );
}

/** Its rows by number. */
export function longestRows(draft: Planned): number[] {
  const lengths = lengthsOf(draft.data.train);
  const plan = batchPlanOf(draft);
  let longest: number[] = [];
  let most = 0;
  for (let step = 1; step <= plan.stepsFor(1); step++) {
    for (const batch of plan.rowsOf(step)) {
      const tokens = batch.reduce((sum, row) => sum + lengths[row]!, 0);
      if (tokens > most) [longest, most] = [batch, tokens];
    }
  }
  return longest;
}
