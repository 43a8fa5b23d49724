/**
 * A look back at one step of a run: its rows, each with its own loss. The run is set up as it was at the newest
 * run state before the step, the steps up to it are taken again (the same ones, since rows, dropout and noise are
 * functions of seed and step), and then each row of the step is measured alone, with the values that the step saw.
 *
 * What equals what: a row's loss is the mean over its labelled tokens, label smoothing included; the mean of the rows
 * weighted by their labelled tokens is the loss that the step recorded, up to rounding. Dropout and NEFTune's noise are
 * off here, since they are drawn for a whole batch at a time; with them the recorded loss differs by what they add.
 */
import type { InspectedRow, InspectedStep, InspectParams } from '../../../src-shared/training.ts';
import * as tf from '@tensorflow/tfjs-core';
import { collate } from '../../datasets/batches.ts';
import type { TextTokenizer } from '../../datasets/tokenizer.ts';
import { IGNORED, type Choice, type TokenisedExample } from '../../datasets/types.ts';
import { batchLoss, labelledRows } from '../../engine/train/batchLoss.ts';
import { evaluatePreference } from '../../engine/train/preference/evaluate.ts';
import { referencePoint } from '../../engine/train/preference/objectiveLoss.ts';
import { CallControl } from '../control.ts';
import type { Choices } from './choices.ts';
import type { RunData } from './data.ts';
import { withDraft } from './draft.ts';
import type { Run } from './run.ts';
import { startRun } from './start.ts';
import { takeStep } from './step.ts';
import { alone } from './team.ts';

/** Writes nothing. Throws MODEL_CHANGED, DATASET_CHANGED and what setting up a run throws. */
export function inspectStep(
  { spec, step, state }: InspectParams,
  emit: (event: { done: number; total: number }) => void,
): Promise<InspectedStep> {
  const silent = (): void => undefined;
  return withDraft(spec, silent, async (draft) => {
    const run = await startRun(draft, { state, emit: silent, team: alone(new CallControl()) });
    await replay(run, step - 1, emit);
    return measure(run, step);
  });
}

async function replay(run: Run, lastStep: number, emit: (event: { done: number; total: number }) => void) {
  const { progress } = run;
  const first = progress.step;
  while (progress.step < lastStep) {
    await takeStep(run);
    emit({ done: progress.step - first, total: lastStep - first });
  }
}

async function measure(run: Run, step: number): Promise<InspectedStep> {
  const { settings, data, model, method, plan, choices } = run;
  method.beforeEvaluation();
  if (choices) return measureChoices(run, choices, step);
  const { labelSmoothing } = settings;
  const trainHead = false;
  const rows: InspectedRow[] = [];
  for (const row of plan.rowsOf(step).flatMap((batch) => batch.flatMap((index) => data.train.at(index) ?? []))) {
    const batch = collate([row], [0], data.padId);
    const labelledTokens = labelledRows(batch).rows.length;
    const sum = tf.tidy(() => batchLoss(model, batch, { gradients: false, trainHead, labelSmoothing }));
    const [lossSum = NaN] = await sum.data();
    sum.dispose();
    rows.push({ ...textsOf(row, data, model.spec.vocab), labelledTokens, loss: lossSum / labelledTokens });
  }
  const total = rows.reduce((tokens, row) => tokens + row.labelledTokens, 0);
  return {
    step,
    meanLoss: rows.reduce((sum, { loss, labelledTokens }) => sum + loss * labelledTokens, 0) / total,
    sharedLines: data.sharedLines,
    rows,
  };
}

/** Each pair, or each answer, alone; KTO's from the reference point of the whole step. */
async function measureChoices({ data, model, plan }: Run, choices: Choices, step: number): Promise<InspectedStep> {
  const { objective } = choices;
  const numbers = plan.rowsOf(step).flat();
  const whole = numbers.map((row) => choices.batch('train', [row]));
  const z = objective.type === 'kto' ? await referencePoint(model, whole, objective) : 0;
  const rows: InspectedRow[] = [];
  for (const [i, batch] of whole.entries()) {
    const choice = data.train.at(numbers[i]!) as Choice;
    const { loss } = await evaluatePreference(model, [batch], objective, { z });
    const texts = textsOf(choice, data, model.spec.vocab);
    const rejected = choice.rejected && textsOf({ ...choice, ...choice.rejected }, data, model.spec.vocab).completion;
    const labelledTokens = labelledRows(batch.rows).rows.length;
    const tokens = choice.ids.length + (choice.rejected?.ids.length ?? 0);
    rows.push({ ...texts, ...(rejected === undefined ? {} : { rejected }), tokens, labelledTokens, loss });
  }
  const meanLoss = (await evaluatePreference(model, whole, objective, { z })).loss;
  return { step, meanLoss, sharedLines: data.sharedLines, rows };
}

/** Virtual tokens, which have ids from `vocab` on, have no text. */
function textsOf(
  { line, ids, labels, class: label }: TokenisedExample,
  { tokenizer, labels: classes }: Pick<RunData, 'tokenizer' | 'labels'>,
  vocab: number,
): Pick<InspectedRow, 'line' | 'tokens' | 'prompt' | 'completion'> {
  const own = ids.filter((id) => id < vocab);
  const tokens = own.length;
  const name = label === undefined ? undefined : classes?.[label];
  if (name !== undefined) return { line, tokens, prompt: textOf(tokenizer, own), completion: name };
  const answer = labels.findIndex((id) => id !== IGNORED);
  const prompt = ids.subarray(0, answer).filter((id) => id < vocab);
  const promptText = textOf(tokenizer, prompt);
  return { line, tokens, prompt: promptText, completion: textOf(tokenizer, own).slice(promptText.length) };
}

function textOf(tokenizer: TextTokenizer, ids: Int32Array): string {
  return tokenizer.decode(ids, { skipSpecialTokens: false });
}
