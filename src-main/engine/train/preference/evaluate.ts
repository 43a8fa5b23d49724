/** Mean loss and scores of choices, without gradients. */
import * as tf from '@tensorflow/tfjs-core';
import type { Objective, PreferenceScores } from '../../../../src-shared/objectives.ts';
import type { Decoder } from '../../model/decoder.ts';
import type { PreferenceBatch } from './batch.ts';
import { countStep, tokensOf } from './counted.ts';
import { lossOfChoices, referencePoint } from './objectiveLoss.ts';
import { ScoreSum } from './scores.ts';

/**
 * Over all batches as over one. `z`: KTO's reference point; absent: that of these batches. `onBatch` is told how many
 * have been done; what it throws ends the evaluation.
 */
export async function evaluatePreference(
  model: Decoder,
  batches: readonly PreferenceBatch[],
  objective: Objective,
  { z, onBatch }: { z?: number; onBatch?: ((done: number) => void | Promise<void>) | undefined } = {},
): Promise<{ loss: number; scores: PreferenceScores }> {
  const point = z ?? (objective.type === 'kto' ? await referencePoint(model, batches, objective) : 0);
  const { parts, ...shares } = countStep(batches, objective);
  const sum = new ScoreSum(objective, point);
  let loss = 0;
  for (const [index, part] of parts.entries()) {
    const { value, beside } = tf.tidy(() =>
      lossOfChoices(model, part, shares, objective, point, { gradients: false, trainHead: false }),
    );
    loss += (await value.data())[0]!;
    sum.addBatch(part.batch, await beside.data(), tokensOf(part));
    tf.dispose([value, beside]);
    await onBatch?.(index + 1);
  }
  return { loss, scores: sum.scores };
}
