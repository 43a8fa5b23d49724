/** What a step computes of its rows, whether they are answers to learn or choices between answers. */
import * as tf from '@tensorflow/tfjs-core';
import { collate } from '../../datasets/batches.ts';
import { countTokens, type Batch } from '../../engine/train/batchLoss.ts';
import { answerSegments } from '../../engine/train/preference/answerLogProbs.ts';
import { referencePoint } from '../../engine/train/preference/objectiveLoss.ts';
import { ScoreSum } from '../../engine/train/preference/scores.ts';
import { accumulatePreference } from '../../engine/train/preference/step.ts';
import { accumulateGradients, type LossOptions, type StepGradients } from '../../engine/train/step.ts';
import type { PreferenceScores } from '../../../src-shared/objectives.ts';
import type { Choices } from './choices.ts';
import type { Run } from './run.ts';

export interface MeasuredStep {
  /** Computed, padding aside. */
  tokens: number;
  sums: StepGradients;
  /** Of choices. */
  preference?: PreferenceScores;
}

/** Computes gradients; throws where memory runs out. */
type Attempt = <T extends StepGradients>(compute: () => T) => Promise<T>;

export interface StepWork {
  batches: Batch[];
  measure: (attempt: Attempt) => Promise<MeasuredStep>;
}

/** `parts`: rows of each micro-batch. */
export function workOn(run: Run, parts: number[][], options: LossOptions): StepWork {
  return run.choices ? choiceWork(run, run.choices, parts, options) : answerWork(run, parts, options);
}

function answerWork({ data, model, method }: Run, parts: number[][], options: LossOptions): StepWork {
  const batches = parts.map((part) => collate(data.train, part, data.padId));
  return {
    batches,
    measure: async (attempt) => ({
      tokens: tokensIn(batches),
      sums: await attempt(() => accumulateGradients(model, method.parameters, batches, options)),
    }),
  };
}

function choiceWork({ model, method }: Run, choices: Choices, parts: number[][], options: LossOptions): StepWork {
  const { objective } = choices;
  const batches = parts.map((part) => choices.batch('train', part));
  const all = batches.flatMap(({ rows, mismatched }) => (mismatched ? [rows, mismatched.rows] : [rows]));
  return {
    batches: batches.map(({ rows }) => rows),
    measure: async (attempt) => {
      method.beforeEvaluation(); // what is not differentiated is measured without dropout
      const z = objective.type === 'kto' ? await referencePoint(model, batches, objective) : 0;
      const { logProbs, ...sums } = await attempt(() =>
        accumulatePreference(model, method.parameters, batches, objective, { ...options, z }),
      );
      const scores = new ScoreSum(objective, z);
      for (const [i, batch] of batches.entries()) {
        const tokens = answerSegments(batch.rows).map(({ targets }) => targets.length);
        scores.addBatch(batch, await logProbs[i]!.data(), tokens);
      }
      tf.dispose(logProbs);
      return { tokens: tokensIn(all), sums, preference: scores.scores };
    },
  };
}

function tokensIn(batches: readonly Batch[]): number {
  return batches.reduce((sum, batch) => sum + countTokens(batch), 0);
}
