/**
 * A run tried out before it starts: one real step on its longest batch, evaluation included, measured and compared with
 * the estimate, which then says the largest batch, length and rank that fit.
 */
import * as tf from '@tensorflow/tfjs-core';
import type { BaseModel } from '../../basemodel/baseModel.ts';
import { BatchPlan } from '../../datasets/batchPlan.ts';
import { collate } from '../../datasets/batches.ts';
import { GraftError } from '../../../src-shared/errors.ts';
import { AdamW } from '../../engine/optim/adamw.ts';
import { countTokens, type Batch } from '../../engine/train/batchLoss.ts';
import { evaluateLoss } from '../../engine/train/evaluate.ts';
import { trainStep } from '../../engine/train/step.ts';
import { checkBaseDtype } from '../../../src-shared/checkBaseDtype.ts';
import { checkMethod } from '../../methods/checkMethod.ts';
import { useEngine } from '../engines.ts';
import { evaluationBatches } from '../verify/evaluate.ts';
import { largestThatFit } from './largest.ts';
import { loadDecoder } from '../loadDecoder.ts';
import { estimateMemory } from './memoryEstimate.ts';
import { memoryLimitBytes } from '../train/memoryGuard.ts';
import { attachMethod } from '../../methods/attach.ts';
import type { EngineName } from '../../../src-shared/backends.ts';
import type { PreflightResult } from '../../../src-shared/plan.ts';
import type { RunSpec } from '../../../src-shared/runSpec.ts';
import { openBase, readData, type RunData } from '../train/data.ts';

/** Writes nothing. Throws what the run itself would throw. */
export async function preflight(spec: RunSpec): Promise<PreflightResult> {
  checkBaseDtype(spec.baseDtype, spec.engine, spec.method.type);
  const base = openBase(spec);
  try {
    checkMethod(base.spec, [...base.tensors.keys()], spec.method);
    return await tryOut(spec, base, await readData(spec, base.spec, () => undefined));
  } finally {
    base.close();
  }
}

async function tryOut(spec: RunSpec, base: BaseModel, data: RunData): Promise<PreflightResult> {
  const { engine } = spec;
  if (engine === 'auto')
    throw new GraftError('INTERNAL', 'The run was tried out before its engine was chosen; try again.');
  const { device, gpu } = await useEngine(engine);
  const batch = longestBatch(spec, data);
  const longest = { rows: batch.B, tokens: countTokens(batch), longestRow: batch.T };
  const estimate = await estimateMemory(spec, base, batch);
  const measured = await measure(spec, base, data, batch, engine);
  const limitBytes = memoryLimitBytes(engine, gpu, spec.train.memoryLimitBytes);
  const largest =
    limitBytes === null
      ? { batch: null, maxLength: null, rank: null }
      : await largestThatFit({ spec, base, limitBytes, longestRow: batch.T, estimate, peakBytes: measured.peakBytes });
  return { engine, device, longest, estimate, ...measured, limitBytes, largest };
}

/** The micro-batch with the most tokens in the first epoch. */
export function longestBatch(
  { train }: Pick<RunSpec, 'train'>,
  { train: rows, padId, maxLength }: Pick<RunData, 'train' | 'padId' | 'maxLength'>,
): Batch {
  const plan = new BatchPlan(
    rows.map(({ ids }) => ids.length),
    { ...train, maxLength },
  );
  const tokensOf = (batch: number[]): number => batch.reduce((sum, row) => sum + rows[row]!.ids.length, 0);
  let most: number[] = [];
  for (let step = 1; step <= plan.stepsFor(1); step++) {
    for (const batch of plan.rowsOf(step)) if (tokensOf(batch) > tokensOf(most)) most = batch;
  }
  return collate(rows, most, padId);
}

type Measured = Pick<PreflightResult, 'peakBytes' | 'stepMs' | 'evaluationMs'>;

/** Two steps, the first of which warms up. */
async function measure(
  spec: RunSpec,
  base: BaseModel,
  { val, padId }: RunData,
  batch: Batch,
  engine: EngineName,
): Promise<Measured> {
  const method = await attachMethod(loadDecoder(base, { baseDtype: spec.baseDtype }), spec, base);
  const { model } = method;
  const optimizer = new AdamW(method.parameters, spec.train);
  const { lr, clip, labelSmoothing, gradientCheckpointing, accumulate } = spec.train;
  const batches = accumulate > 1 ? [batch, batch] : [batch];
  const step = (): Promise<unknown> =>
    trainStep(model, method.parameters, optimizer, batches, {
      lr,
      clip,
      labelSmoothing,
      gradientCheckpointing,
      beforeMicroBatch: (index) => method.beforeTraining(`preflight ${index}`),
    });
  await step();
  const stepMs = (await timed(step)) * (accumulate / batches.length);
  method.beforeEvaluation();
  const longest = [...evaluationBatches(val, spec.train.batch, padId)].at(-1);
  const evaluationMs = longest ? await timed(() => evaluateLoss(model, [longest])) : null;
  return { peakBytes: peakBytes(engine), stepMs, evaluationMs };
}

async function timed(work: () => Promise<unknown>): Promise<number> {
  const startedMs = performance.now();
  await work();
  return performance.now() - startedMs;
}

/** Of the process; on webgpu what tfjs has taken of the card, which it gives back to nobody. */
function peakBytes(engine: EngineName): number {
  if (engine !== 'webgpu') return process.resourceUsage().maxRSS * 1024;
  return (tf.backend() as unknown as { bufferManager: { numBytesAllocated: number } }).bufferManager.numBytesAllocated;
}
