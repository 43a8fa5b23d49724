/** The micro-batches of a step with what counts in them, and what each part of the loss counts for. */
import type { Objective } from '../../../../src-shared/objectives.ts';
import type { Batch } from '../batchLoss.ts';
import { answerSegments, type Segment } from './answerLogProbs.ts';
import type { PreferenceBatch } from './batch.ts';

/** One micro-batch. */
export interface Counted {
  batch: PreferenceBatch;
  /** One per row. */
  answers: Segment[];
  /** Further tokens of ORPO's usual loss; null where there are none. */
  prompts: Segment | null;
}

export interface CountedStep {
  parts: Counted[];
  /** What a pair, or a single answer, counts for in the mean over the step. */
  answerShare: number;
  /** What a token of the usual loss (ORPO) counts for. */
  tokenShare: number;
}

export function countStep(batches: readonly PreferenceBatch[], objective: Objective): CountedStep {
  const parts = batches.map((batch): Counted => ({
    batch,
    answers: answerSegments(batch.rows),
    prompts: objective.type === 'orpo' && objective.lossOn === 'all' ? chosenPrompts(batch.rows) : null,
  }));
  const rows = parts.reduce((sum, { answers }) => sum + answers.length, 0);
  const tokens = parts.reduce((sum, part) => sum + usualTokens(part), 0);
  return { parts, answerShare: objective.type === 'kto' ? 1 / rows : 2 / rows, tokenShare: 1 / tokens };
}

/** Tokens of each answer. */
export function tokensOf({ answers }: Counted): number[] {
  return answers.map(({ targets }) => targets.length);
}

/** All tokens of the chosen rows that are no answer, but for the first of each; null where there are none. */
function chosenPrompts({ ids, labels, mask, B, T }: Batch): Segment | null {
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

/** Of the chosen answers, and of the prompts that count. */
function usualTokens({ answers, prompts }: Counted): number {
  const chosen = answers.slice(0, answers.length / 2);
  return [...chosen, ...(prompts ? [prompts] : [])].reduce((sum, { targets }) => sum + targets.length, 0);
}
