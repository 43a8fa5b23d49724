/**
 * A run before anything is loaded: its spec with the base model open, the rows read and the settings checked against
 * both. Plan, preflight and training all start from it.
 */
import { openBaseModel, type BaseModel } from '../../basemodel/baseModel.ts';
import { BatchPlan } from '../../datasets/batchPlan.ts';
import { lengthsOf } from '../../datasets/tokens/rowList.ts';
import { checkMethod, checkSmoothing } from '../../methods/checkMethod.ts';
import { checkBaseDtype } from '../../../src-shared/checkBaseDtype.ts';
import { GraftError } from '../../../src-shared/errors.ts';
import type { RunSpec } from '../../../src-shared/runSpec.ts';
import type { TrainEvent } from '../../../src-shared/training.ts';
import { readData, type RowsWanted, type RunData } from './data.ts';

/** The spec, with its model and its data in place of their names. */
export interface Draft extends Omit<RunSpec, 'model' | 'data'> {
  base: BaseModel;
  data: RunData;
}

/**
 * Runs `work` on the draft of a run, whose base is open until then. Throws MODEL_CHANGED, DATASET_CHANGED, and a usage
 * error for a setting that does not suit model, data or engine. `earlyBytes`: of a file above which the run may begin
 * before all of its rows are tokenised.
 */
export async function withDraft<T>(
  spec: RunSpec,
  emit: (event: TrainEvent) => void,
  work: (draft: Draft) => Promise<T>,
  { earlyBytes }: Pick<RowsWanted, 'earlyBytes'> = {},
): Promise<T> {
  checkBaseDtype(spec, spec.method.type);
  return withBase(spec, async (base) => {
    checkSmoothing(base.spec, spec.train);
    for (const message of base.notes) emit({ type: 'log', message });
    const data = await readData(spec, base.spec, emit, { earlyBytes });
    try {
      return await work({ ...spec, base, data });
    } finally {
      data.close();
    }
  });
}

/** Opens the base of a run, which the method must suit, and closes it after `work`. Throws MODEL_CHANGED. */
export async function withBase<T>({ model, method }: RunSpec, work: (base: BaseModel) => Promise<T>): Promise<T> {
  const base = openUnchanged(model);
  try {
    checkMethod(base.spec, [...base.tensors.keys()], method);
    return await work(base);
  } finally {
    base.close();
  }
}

function openUnchanged({ dir, hash }: RunSpec['model']): BaseModel {
  const base = openBaseModel(dir);
  if (base.hash === hash) return base;
  base.close();
  throw new GraftError(
    'MODEL_CHANGED',
    `The files in ${dir} have changed since the run was set up; add the model again and start a new run.`,
    { dir },
  );
}

/** Which rows make up which step. */
export function batchPlanOf({ train, data, epochEnds }: Pick<Draft, 'train' | 'data' | 'epochEnds'>): BatchPlan {
  // Batches of so many rows do not depend on lengths, which may not be known yet.
  const lengths = train.packing || train.bucketing ? lengthsOf(data.train) : { length: data.train.length };
  return new BatchPlan(lengths, { ...train, maxLength: data.maxLength, runsOn: !epochEnds });
}

export function totalStepsOf({ steps, epochs }: Draft['train'], plan: BatchPlan): number {
  return steps ?? plan.stepsFor(epochs);
}
