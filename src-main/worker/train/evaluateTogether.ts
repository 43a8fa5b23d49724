/**
 * Evaluation of the held-out rows by all processes of a run: batches are dealt out in turn, sums are added up. After
 * each round all learn whether the user wants to pause, so that all break off in the same one.
 */
import { collate, likeLengths } from '../../datasets/batches.ts';
import type { Batch } from '../../engine/train/batchLoss.ts';
import { classScores, evaluateClasses } from '../../engine/train/classification.ts';
import { evaluateLoss } from '../../engine/train/evaluate.ts';
import type { ClassScores } from '../../../src-shared/training.ts';
import type { Run } from './run.ts';

/**
 * Mean loss, and of texts that are classified the scores. `lengths`: tokens of each row. `onRound` is called as often
 * by every process; what it throws ends the evaluation.
 */
export async function evaluateTogether(
  { model, data, settings, team }: Pick<Run, 'model' | 'data' | 'settings' | 'team'>,
  lengths: Int32Array,
  onRound: () => Promise<void>,
): Promise<{ loss: number; scores?: ClassScores }> {
  const { val, padId, labels } = data;
  const all = likeLengths(lengths, settings.batch);
  const own = all.filter((_, i) => i % team.size === team.rank);
  const rounds = Math.ceil(all.length / team.size);
  const batches = function* (): Generator<Batch> {
    for (const rows of own) yield collate(val, rows, padId);
  };
  const lastRound = async (): Promise<void> => {
    if (own.length < rounds) await onRound();
  };
  if (!labels) {
    const { sum, tokens } = await evaluateLoss(model, batches(), onRound);
    await lastRound();
    const sums = Float64Array.of(sum, tokens);
    team.sum(sums);
    return { loss: sums[0]! / sums[1]! };
  }
  const { sum, predicted, actual } = await evaluateClasses(model, batches(), onRound);
  await lastRound();
  const sums = new Float64Array(1 + 2 * val.length);
  sums[0] = sum;
  for (const [i, row] of own.flat().entries()) sums.set([predicted[i]!, actual[i]!], 1 + 2 * row);
  team.sum(sums);
  const column = (first: number): number[] => Array.from({ length: val.length }, (_, row) => sums[first + 2 * row]!);
  return { loss: sums[0] / val.length, scores: classScores(column(1), column(2), labels.length) };
}
