/**
 * A run tried out before it starts: one real step on its longest batch, evaluation included, measured and compared with
 * the estimate, which then says the largest batch, length and rank that fit.
 */
import * as tf from '@tensorflow/tfjs-core';
import { evaluationBatches, likeLengths } from '../../datasets/batches.ts';
import { lengthsOf } from '../../datasets/tokens/rowList.ts';
import { GraftError } from '../../../src-shared/errors.ts';
import { mostBytesPerBinding } from '../../engine/backends/bindingLimit.ts';
import { peakGpuBytes } from '../../engine/backends/tfjsInternals.ts';
import { AdamW } from '../../engine/optim/adamw.ts';
import { countTokens, type Batch } from '../../engine/train/batchLoss.ts';
import { evaluateLoss } from '../../engine/train/evaluate.ts';
import { evaluatePreference } from '../../engine/train/preference/evaluate.ts';
import { referencePoint } from '../../engine/train/preference/objectiveLoss.ts';
import { accumulatePreference } from '../../engine/train/preference/step.ts';
import { applyGradients, trainStep, type StepOptions } from '../../engine/train/step.ts';
import { peakResidentBytes } from '../../hardware/peakMemory.ts';
import { useBackend } from '../backend.ts';
import { largestThatFit, NO_LARGEST } from './largest.ts';
import { longestBatch, longestRows } from './longestBatch.ts';
import { loadDecoder } from '../loadDecoder.ts';
import { baseFormsOf } from '../../../src-shared/baseDtypes.ts';
import { estimateMemory } from './estimate.ts';
import { roomFor } from './memoryRoom.ts';
import { attachMethod, type AttachedMethod } from '../../methods/attach.ts';
import type { BackendName } from '../../../src-shared/backends.ts';
import type { Objective } from '../../../src-shared/objectives.ts';
import type { CardMemory, PreflightResult } from '../../../src-shared/plan.ts';
import type { RunSpec } from '../../../src-shared/runSpec.ts';
import { runWarnings } from '../../../src-shared/runWarnings.ts';
import { Choices } from '../train/choices.ts';
import { batchPlanOf, totalStepsOf, withDraft, type Draft } from '../train/draft.ts';

/** Writes nothing. Throws what the run itself would throw. `card`: memory of the card; null where it is not known. */
export function preflight(spec: RunSpec, card: CardMemory | null): Promise<PreflightResult> {
  const notes: string[] = [];
  return withDraft(
    spec,
    (event) => void (event.type === 'log' && notes.push(event.message)),
    async (draft) => ({ ...(await tryOut(draft, card, (note) => notes.push(note))), notes }),
  );
}

async function tryOut(
  draft: Draft,
  card: CardMemory | null,
  onNote: (note: string) => void,
): Promise<Omit<PreflightResult, 'notes'>> {
  const { engine, train, data } = draft;
  if (engine === 'auto')
    throw new GraftError('INTERNAL', 'The run was tried out before its engine was chosen; try again.');
  const { device, gpu } = await useBackend(engine);
  const batch = longestBatch(draft);
  const longest = { rows: batch.B, tokens: countTokens(batch), longestRow: batch.T };
  const sized = { ...draft, bindingBytes: mostBytesPerBinding() };
  const estimate = await estimateMemory(sized, batch);
  const measured = await measure(draft, batch, engine, onNote);
  const room = { gpu, card: engine === 'webgpu' ? card : null }; // what is measured on CUDA is the process
  const limitBytes = roomFor(draft, room, engine === 'webgpu' ? 0 : process.memoryUsage.rss())?.freeBytes ?? null;
  const { peakBytes } = measured;
  const largest =
    limitBytes === null
      ? NO_LARGEST
      : await largestThatFit({ run: sized, limitBytes, longestRow: batch.T, estimate, peakBytes });
  const warnings = runWarnings({
    trainRows: data.train.length,
    valRows: data.val.length,
    totalSteps: totalStepsOf(train, batchPlanOf(draft)),
    train,
  });
  return { engine, device, longest, estimate, ...measured, limitBytes, largest, warnings };
}

type Measured = Pick<PreflightResult, 'peakBytes' | 'stepMs' | 'evaluationMs'>;

/** Two steps, the first of which warms up. */
async function measure(
  draft: Draft,
  batch: Batch,
  engine: BackendName,
  onNote: (note: string) => void,
): Promise<Measured> {
  const { base, data, train } = draft;
  const method = await attachMethod(await loadDecoder(base, { ...baseFormsOf(draft), onNote }), draft, base);
  const { model } = method;
  const optimizer = new AdamW(method.parameters, train);
  const { lr, clip, labelSmoothing, gradientCheckpointing, accumulate } = train;
  const beforeMicroBatch = (index: number): void => method.beforeTraining(`preflight ${index}`);
  const options = { lr, clip, gradientCheckpointing, beforeMicroBatch };
  if (draft.objective) return measureChoices(draft, draft.objective, method, optimizer, options, engine);
  const batches = accumulate > 1 ? [batch, batch] : [batch];
  const step = (): Promise<unknown> =>
    trainStep(model, method.parameters, optimizer, batches, { ...options, labelSmoothing });
  await step();
  const stepMs = (await timed(step)) * (accumulate / batches.length);
  method.beforeEvaluation();
  const longest = [...evaluationBatches(data.val, train.batch, data.padId)].at(-1);
  const evaluationMs = longest ? await timed(() => evaluateLoss(model, [longest])) : null;
  return { peakBytes: peakBytes(engine), stepMs, evaluationMs };
}

/** The same of a step over choices; what the reference would say does not matter for room and time. */
async function measureChoices(
  draft: Draft,
  objective: Objective,
  { model, parameters, beforeEvaluation }: AttachedMethod,
  optimizer: AdamW,
  options: StepOptions,
  engine: BackendName,
): Promise<Measured> {
  const { data, train } = draft;
  const choices = new Choices(objective, data, train.seed);
  choices.references.train.fill(0);
  choices.references.val.fill(0);
  const longest = choices.batch('train', longestRows(draft));
  const batches = train.accumulate > 1 ? [longest, longest] : [longest];
  const step = async (): Promise<void> => {
    beforeEvaluation();
    const z = objective.type === 'kto' ? await referencePoint(model, batches, objective) : 0;
    const { logProbs, ...sums } = accumulatePreference(model, parameters, batches, objective, { ...options, z });
    tf.dispose(logProbs);
    await applyGradients(optimizer, sums, options);
  };
  await step();
  const stepMs = (await timed(step)) * (train.accumulate / batches.length);
  beforeEvaluation();
  const last = likeLengths(lengthsOf(data.val), train.batch).at(-1);
  const evaluationMs = last
    ? await timed(() => evaluatePreference(model, [choices.batch('val', last)], objective))
    : null;
  return { peakBytes: peakBytes(engine), stepMs, evaluationMs };
}

async function timed(work: () => Promise<unknown>): Promise<number> {
  const startedMs = performance.now();
  await work();
  return performance.now() - startedMs;
}

/** Of the process; on webgpu what has been taken of the card. */
function peakBytes(engine: BackendName): number {
  if (engine !== 'webgpu') return peakResidentBytes();
  return peakGpuBytes();
}
