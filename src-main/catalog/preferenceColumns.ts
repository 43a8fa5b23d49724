/** The scores of choices as columns, of metrics and of evaluations alike. */
import type { PreferenceScores } from '../../src-shared/objectives.ts';

export const SCORE_COLUMNS = 'chosen_reward, rejected_reward, accuracy, kl';

export interface ScoreRow {
  chosen_reward: number | null;
  rejected_reward: number | null;
  accuracy: number | null;
  kl: number | null;
}

/** As named parameters of a statement. */
export function scoreParameters(scores: PreferenceScores | undefined) {
  return {
    chosenReward: scores?.chosenReward ?? null,
    rejectedReward: scores?.rejectedReward ?? null,
    accuracy: scores?.accuracy ?? null,
    kl: scores?.kl ?? null,
  };
}

/** Undefined where none were recorded. */
export function scoresOf(row: ScoreRow): PreferenceScores | undefined {
  if (row.accuracy === null) return undefined;
  const { chosen_reward: chosenReward, rejected_reward: rejectedReward, accuracy, kl } = row;
  const margin = chosenReward === null || rejectedReward === null ? null : chosenReward - rejectedReward;
  return { chosenReward, rejectedReward, margin, accuracy, ...(kl === null ? {} : { kl }) };
}
