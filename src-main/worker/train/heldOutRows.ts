/** Held-out rows one by one: on how many of them a run has become better, or worse, than it began. */
import { setImmediate } from 'node:timers/promises';
import { collate } from '../../datasets/batches.ts';
import { evaluateLoss } from '../../engine/train/evaluate.ts';
import { evaluatePreference } from '../../engine/train/preference/evaluate.ts';
import type { HeldOutRows } from '../../../src-shared/training.ts';
import type { Run } from './run.ts';

const MOST_ROWS = 32;
/** Steps whose rows are as many: what measuring costs stays small beside a run of small batches, too. */
const STEPS = 4;
/** Of a row's loss; less is rounding. */
const SAME = 1e-3;

/** Mean loss of each of the first held-out rows, with the values as they are; none where texts are classified. */
export async function heldOutLosses({
  model,
  method,
  choices,
  data,
  settings,
}: Pick<Run, 'model' | 'method' | 'choices' | 'data' | 'settings'>): Promise<number[]> {
  const { val, labels, padId } = data;
  if (labels) return [];
  method.beforeEvaluation();
  const losses: number[] = [];
  const rows = Math.min(MOST_ROWS, STEPS * settings.batch * settings.accumulate, val.length);
  for (let row = 0; row < rows; row++) {
    const { loss } = choices
      ? await evaluatePreference(model, [choices.batch('val', [row])], choices.objective)
      : await evaluateLoss(model, [collate(val, [row], padId)]);
    losses.push(loss);
    await setImmediate();
  }
  return losses;
}

/** Null where nothing was measured before the first step. */
export function comparedRows(before: readonly number[] | null, after: readonly number[]): HeldOutRows | null {
  if (!before || before.length === 0 || before.length !== after.length) return null;
  const changes = after.map((loss, row) => loss / before[row]! - 1);
  return {
    rows: after.length,
    better: changes.filter((change) => change < -SAME).length,
    worse: changes.filter((change) => change > SAME).length,
  };
}
