/** What the choices of a model come to, in plain numbers: rewards, margins and on how many it is right. */
import type { PreferenceBatch } from './batch.ts';
import { hasReference, isPaired, type Objective, type PreferenceScores } from '../../../../src-shared/objectives.ts';

/** One answer, as the model and its reference find it. */
export interface ScoredAnswer {
  logProb: number;
  /** Absent without a reference. */
  reference?: number;
  tokens: number;
}

/** beta·D; without a reference beta (ORPO: lambda) times the mean log-probability per token. */
function rewardOf(objective: Objective, { logProb, reference = 0, tokens }: ScoredAnswer): number {
  const beta = objective.type === 'orpo' ? objective.lambda : objective.beta;
  return hasReference(objective) ? beta * (logProb - reference) : (beta * logProb) / tokens;
}

/** Sums over answers, to be added up over batches. */
export class ScoreSum {
  #objective: Objective;
  #z: number;
  #good = { sum: 0, count: 0 };
  #bad = { sum: 0, count: 0 };
  #right = 0;

  /** `z`: KTO's reference point. */
  constructor(objective: Objective, z = 0) {
    this.#objective = objective;
    this.#z = z;
  }

  addPair(chosen: ScoredAnswer, rejected: ScoredAnswer): void {
    const [good, bad] = [rewardOf(this.#objective, chosen), rewardOf(this.#objective, rejected)];
    add(this.#good, good);
    add(this.#bad, bad);
    if (good > bad) this.#right++;
  }

  addSingle(answer: ScoredAnswer, isGood: boolean): void {
    const reward = rewardOf(this.#objective, answer);
    add(isGood ? this.#good : this.#bad, reward);
    const point = this.#objective.type === 'kto' ? this.#objective.beta * this.#z : 0;
    if (isGood ? reward > point : reward < point) this.#right++;
  }

  /** (B) log-probabilities and tokens of the answers of a batch. */
  addBatch({ rows, reference, good }: PreferenceBatch, logProbs: ArrayLike<number>, tokens: readonly number[]): void {
    const answer = (b: number): ScoredAnswer => ({
      logProb: logProbs[b]!,
      ...(reference ? { reference: reference[b]! } : {}),
      tokens: tokens[b]!,
    });
    if (good) for (let b = 0; b < rows.B; b++) this.addSingle(answer(b), good[b] === 1);
    else for (let pair = 0; pair < rows.B / 2; pair++) this.addPair(answer(pair), answer(pair + rows.B / 2));
  }

  get scores(): PreferenceScores {
    const [chosenReward, rejectedReward] = [mean(this.#good), mean(this.#bad)];
    const choices = isPaired(this.#objective) ? this.#good.count : this.#good.count + this.#bad.count;
    return {
      chosenReward,
      rejectedReward,
      margin: chosenReward === null || rejectedReward === null ? null : chosenReward - rejectedReward,
      accuracy: this.#right / choices,
      ...(this.#objective.type === 'kto' && this.#objective.referencePoint === 'kl' ? { kl: this.#z } : {}),
    };
  }
}

function add(to: { sum: number; count: number }, value: number): void {
  to.sum += value;
  to.count++;
}

function mean({ sum, count }: { sum: number; count: number }): number | null {
  return count === 0 ? null : sum / count;
}
