/** A training run from its spec to its adapter: reads model and data itself, reports events, writes files, and nothing else. */
import type { Checkpoint } from '../checkpoints/checkpoint.ts';
import { BatchPlan } from '../datasets/batchPlan.ts';
import { GraftError } from '../errors.ts';
import { countParameters, type Parameter } from '../engine/model/parameters.ts';
import { AdamW } from '../engine/optim/adamw.ts';
import { rulesFor } from '../engine/optim/rules.ts';
import { firstNotFinite } from '../engine/train/finite.ts';
import { checkBaseDtype } from './baseDtype.ts';
import { loadBestValues } from './bestValues.ts';
import type { CallControl } from './control.ts';
import { useEngine } from './engines.ts';
import { checkMethod, checkSmoothing } from './checkMethod.ts';
import { tensorLimitBytes } from './memoryGuard.ts';
import { attachMethod } from './method.ts';
import type { RunSpec, TrainEvent, TrainResult } from './protocol.ts';
import { openBase, readData, type RunData } from './runData.ts';
import { loadRunState, newProgress, removeRunState } from './runState.ts';
import { loadDecoder } from './loadDecoder.ts';
import { trainLoop } from './trainLoop.ts';

export async function train(spec: RunSpec, resume: boolean, emit: (event: TrainEvent) => void, control: CallControl): Promise<TrainResult> {
  checkBaseDtype(spec.baseDtype, spec.engine, spec.method.type);
  const base = openBase(spec);
  try {
    checkMethod(base.spec, [...base.tensors.keys()], spec.method);
    checkSmoothing(base.spec, spec.train);
    const data = await readData(spec, base.spec, emit);
    return await trainOn(spec, base, data, resume, emit, control);
  } finally {
    base.close();
  }
}

async function trainOn(spec: RunSpec, base: Checkpoint, data: RunData, resume: boolean, emit: (event: TrainEvent) => void, control: CallControl): Promise<TrainResult> {
  if (spec.engine === 'auto') throw new GraftError('INTERNAL', 'The run was started before its engine was chosen; start it again.');
  const { device, gpu } = await useEngine(spec.engine);
  const model = loadDecoder(base, { baseDtype: spec.baseDtype });
  const baseParameters = countParameters(model.weights.values());
  const method = await attachMethod(model, spec, base, data.labels);
  const optimizer = new AdamW(method.parameters, { ...spec.train, ruleOf: rulesFor(spec.train.weightDecayOn, method.lrScaleOf) });
  const progress = resume ? loadRunState(spec.runDir, method.parameters, optimizer) : newProgress();
  const trainableParameters = countParameters(method.parameters);
  const plan = new BatchPlan(data.train.map(({ ids }) => ids.length), { ...spec.train, maxLength: data.maxLength });
  const counts = {
    trainableParameters,
    totalParameters: baseParameters + (spec.method.type === 'full' ? 0 : trainableParameters),
    totalSteps: spec.train.steps ?? plan.stepsFor(spec.train.epochs),
  };
  const tensorLimit = tensorLimitBytes(spec.engine, gpu, spec.train.memoryLimitBytes);
  emit({ type: 'started', engine: spec.engine, device, ...counts, trainRows: data.train.length, valRows: data.val.length, resumedFrom: progress.step });
  const { outcome, stoppedEarly } = await trainLoop({ spec, model, method, optimizer, progress, totalSteps: counts.totalSteps, plan, ...data, tensorLimitBytes: tensorLimit, emit, control });
  if (spec.train.keepBest && progress.best) {
    loadBestValues(spec.runDir, progress.best.step, method.parameters);
    progress.valLoss = progress.best.valLoss;
  }
  await assertFinite(method.parameters);
  const written = await method.save();
  if (outcome === 'completed') removeRunState(spec.runDir);
  return {
    outcome,
    stoppedEarly,
    best: progress.best,
    skippedSteps: progress.skippedSteps,
    outDir: spec.outDir,
    ...written,
    steps: progress.step,
    firstLoss: progress.firstLoss,
    finalLoss: progress.lastLoss,
    initialValLoss: progress.initialValLoss,
    valLoss: progress.valLoss,
    trainableParameters,
    totalParameters: counts.totalParameters,
    tokensPerSecond: progress.tokens / (progress.trainingMs / 1000),
    peakMemoryBytes: progress.peakMemoryBytes,
    engine: spec.engine,
    device,
  };
}

/** What is not a number must not end up in the catalogue: nobody could tell why its answers are noise. */
async function assertFinite(parameters: Parameter[]): Promise<void> {
  for (const { name, value } of parameters) {
    if (firstNotFinite((await value.data()) as Float32Array) < 0) continue;
    throw new GraftError('RESULT_NOT_FINITE', `The training drove ${name} to values that are not finite, so nothing is saved; start again with a lower learning rate.`, { tensor: name });
  }
}
