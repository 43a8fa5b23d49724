/**
 * A training run from its spec to its adapter: reads model and data itself, reports events, writes files, and nothing
 * else.
 */
import type { BaseModel } from '../../basemodel/baseModel.ts';
import { GraftError } from '../../../src-shared/errors.ts';
import type { Parameter } from '../../engine/model/parameters.ts';
import { firstNotFinite } from '../../engine/train/finite.ts';
import { checkBaseDtype } from '../../../src-shared/checkBaseDtype.ts';
import { hasBestValues, loadBestValues } from './bestValues.ts';
import type { CallControl } from '../control.ts';
import { checkMethod, checkSmoothing } from '../../methods/checkMethod.ts';
import { removeInterim, saveInterim } from '../../runfolder/interim.ts';
import { interimDir, runStateFile } from '../../runfolder/layout.ts';
import { prepareRun } from './prepare.ts';
import type { RunSpec } from '../../../src-shared/runSpec.ts';
import type { TrainEvent, TrainResult } from '../../../src-shared/training.ts';
import { openBase, readData, type RunData } from './data.ts';
import { removeRunState } from './state.ts';
import { makeSampler } from './sampling.ts';
import { trainLoop } from './loop.ts';

export async function train(
  spec: RunSpec,
  resume: boolean,
  emit: (event: TrainEvent) => void,
  control: CallControl,
): Promise<TrainResult> {
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

async function trainOn(
  spec: RunSpec,
  base: BaseModel,
  data: RunData,
  resume: boolean,
  emit: (event: TrainEvent) => void,
  control: CallControl,
): Promise<TrainResult> {
  const run = await prepareRun(spec, base, data, resume ? runStateFile(spec.runDir) : null);
  const { engine, device, model, method, progress, totalSteps, trainableParameters, totalParameters } = run;
  if (spec.rolledBack && progress.best && !hasBestValues(spec.runDir, progress.best.step))
    Object.assign(progress, { best: null, evaluationsWithoutGain: 0 });
  emit({
    type: 'started',
    engine,
    device,
    trainableParameters,
    totalParameters,
    totalSteps,
    trainRows: data.train.length,
    valRows: data.val.length,
    resumedFrom: progress.step,
  });
  const sampler = makeSampler(spec.train, { model, method, ...data });
  const { outcome, stoppedEarly } = await trainLoop({ spec, ...run, ...data, sampler, emit, control });
  if (spec.train.keepBest && progress.best) {
    loadBestValues(spec.runDir, progress.best.step, method.parameters);
    progress.valLoss = progress.best.valLoss;
  }
  await assertFinite(method.parameters);
  const isPaused = outcome === 'paused';
  const written = await (isPaused ? saveInterim(spec.runDir, method.save) : method.save());
  if (!isPaused) removeInterim(spec.runDir);
  if (outcome === 'completed') removeRunState(spec.runDir);
  return {
    outcome,
    stoppedEarly,
    best: progress.best,
    skippedSteps: progress.skippedSteps,
    outDir: isPaused ? interimDir(spec.runDir) : spec.outDir,
    ...written,
    steps: progress.step,
    firstLoss: progress.firstLoss,
    finalLoss: progress.lastLoss,
    initialValLoss: progress.initialValLoss,
    valLoss: progress.valLoss,
    trainableParameters,
    totalParameters,
    tokensPerSecond: progress.tokens / (progress.trainingMs / 1000),
    peakMemoryBytes: progress.peakMemoryBytes,
    engine,
    device,
  };
}

/** What is not a number must not end up in the catalogue: nobody could tell why its answers are noise. */
async function assertFinite(parameters: Parameter[]): Promise<void> {
  for (const { name, value } of parameters) {
    if (firstNotFinite((await value.data()) as Float32Array) < 0) continue;
    throw new GraftError(
      'RESULT_NOT_FINITE',
      `The training drove ${name} to values that are not finite, so nothing is saved; start again with a lower ` +
        'learning rate.',
      { tensor: name },
    );
  }
}
