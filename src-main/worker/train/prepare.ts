/**
 * A run set up to the point where the next step can be taken: model, trained parameters, optimiser, progress, plan of
 * the rows.
 */
import type { BaseModel } from '../../basemodel/baseModel.ts';
import { BatchPlan } from '../../datasets/batchPlan.ts';
import { GraftError } from '../../../src-shared/errors.ts';
import type { Decoder } from '../../engine/model/decoder.ts';
import { countParameters } from '../../engine/model/parameters.ts';
import { AdamW } from '../../engine/optim/adamw.ts';
import { rulesFor } from '../../engine/optim/rules.ts';
import { useEngine } from '../engines.ts';
import { loadDecoder } from '../loadDecoder.ts';
import { tensorLimitBytes } from './memoryGuard.ts';
import { attachMethod, type AttachedMethod } from '../../methods/attach.ts';
import type { EngineName } from '../../../src-shared/backends.ts';
import type { RunSpec } from '../../../src-shared/runSpec.ts';
import type { RunData } from './data.ts';
import { loadRunState, newProgress, type Progress } from './state.ts';

export interface PreparedRun {
  engine: EngineName;
  device: string;
  model: Decoder;
  method: AttachedMethod;
  optimizer: AdamW;
  progress: Progress;
  plan: BatchPlan;
  totalSteps: number;
  trainableParameters: number;
  totalParameters: number;
  tensorLimitBytes: number | null;
}

/**
 * state: file of the checkpoint to go on from; null: from the start. Throws what loading, attaching and loadRunState
 * throw.
 */
export async function prepareRun(
  spec: RunSpec,
  base: BaseModel,
  data: RunData,
  state: string | null,
): Promise<PreparedRun> {
  const { engine } = spec;
  if (engine === 'auto')
    throw new GraftError('INTERNAL', 'The run was started before its engine was chosen; start it again.');
  const { device, gpu } = await useEngine(engine);
  const loaded = loadDecoder(base, { baseDtype: spec.baseDtype });
  const baseParameters = countParameters(loaded.weights.values());
  const method = await attachMethod(loaded, spec, base, data.labels);
  const optimizer = new AdamW(method.parameters, {
    ...spec.train,
    ruleOf: rulesFor(spec.train.weightDecayOn, method.lrScaleOf),
  });
  const progress = state === null ? newProgress() : loadRunState(state, method.parameters, optimizer);
  const trainableParameters = countParameters(method.parameters);
  const plan = new BatchPlan(
    data.train.map(({ ids }) => ids.length),
    { ...spec.train, maxLength: data.maxLength },
  );
  return {
    engine,
    device,
    model: method.model,
    method,
    optimizer,
    progress,
    plan,
    trainableParameters,
    totalSteps: spec.train.steps ?? plan.stepsFor(spec.train.epochs),
    totalParameters: baseParameters + (spec.method.type === 'full' ? 0 : trainableParameters),
    tensorLimitBytes: tensorLimitBytes(engine, gpu, spec.train.memoryLimitBytes),
  };
}
