/** What is to be said about a run that ended well but has not learnt. */
import type { TrainResult } from './training.ts';

type Ended = Pick<TrainResult, 'valLoss' | 'initialValLoss' | 'unchanged' | 'steps'>;

/** A sentence; null where there is nothing to add. */
export function endNote({ valLoss, initialValLoss, unchanged, steps }: Ended): string | null {
  if (unchanged)
    return steps === 0
      ? 'Nothing was learnt: every trained value is what it was at the start, since no step was taken. Train on more ' +
          'rows or for more steps, or with a higher learning rate.'
      : 'Nothing was learnt: every trained value is what it was at the start. Train on more rows or for more steps, ' +
          'or with a higher learning rate.';
  if (valLoss === null || initialValLoss === null || !(valLoss > initialValLoss)) return null;
  return (
    `The validation loss rose from ${initialValLoss.toFixed(4)} to ${valLoss.toFixed(4)}: on rows that it has not ` +
    'seen the model is worse than before. A lower learning rate, more rows or fewer epochs may help.'
  );
}
