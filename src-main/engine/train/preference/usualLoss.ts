/** The tokens of ORPO's usual loss: the chosen answers and, where it is on all tokens, their prompts. */
import type { Batch } from '../batchLoss.ts';
import type { Segment } from './answerLogProbs.ts';

/** All tokens of the chosen rows that are no answer, but for the first of each; null where there are none. */
export function chosenPrompts({ ids, labels, mask, B, T }: Batch): Segment | null {
  const found: Segment = { positions: [], targets: [] };
  for (let b = 0; b < B / 2; b++) {
    for (let t = 0; t + 1 < T; t++) {
      const next = b * T + t + 1;
      if (mask[next] !== 1 || labels[next]! >= 0) continue;
      found.positions.push(b * T + t);
      found.targets.push(ids[next]!);
    }
  }
  return found.positions.length > 0 ? found : null;
}

/** How many there are with the answers. */
export function countOf({ answers, prompts }: { answers: readonly Segment[]; prompts: Segment | null }): number {
  const chosen = answers.slice(0, answers.length / 2);
  return [...chosen, ...(prompts ? [prompts] : [])].reduce((sum, { targets }) => sum + targets.length, 0);
}
