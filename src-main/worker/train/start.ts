/** Makes a run from its draft and, where it goes on, from its state. */
import { isAdapter } from '../../../src-shared/methods/registry.ts';
import { GraftError } from '../../../src-shared/errors.ts';
import { countParameters } from '../../engine/model/parameters.ts';
import { AdamW } from '../../engine/optim/adamw.ts';
import { rulesFor } from '../../engine/optim/rules.ts';
import { attachMethod } from '../../methods/attach.ts';
import { warmupAsked, warmupSteps } from '../../../src-shared/schedule.ts';
import { useBackend } from '../backend.ts';
import { loadDecoder } from '../loadDecoder.ts';
import { digestOf } from './digest.ts';
import { hasBestValues } from './bestValues.ts';
import { batchPlanOf, totalStepsOf, type Draft } from './draft.ts';
import { tensorLimitBytes } from './memoryGuard.ts';
import { keptStart, probeOf } from './probe.ts';
import type { Run } from './run.ts';
import { loadRunState, newProgress, type Progress } from './state.ts';

interface StartOptions extends Pick<Run, 'emit' | 'control'> {
  /** File of the run state to go on from; null: from the start. */
  state: string | null;
}

/** Loads the model and attaches what is trained. Throws what loading, attaching and loadRunState throw. */
export async function startRun(draft: Draft, { state, emit, control }: StartOptions): Promise<Run> {
  const { base, data, engine, train: settings } = draft;
  if (engine === 'auto')
    throw new GraftError('INTERNAL', 'The run was started before its engine was chosen; start it again.');
  const { device, gpu } = await useBackend(engine);
  const loaded = loadDecoder(base, { baseDtype: draft.baseDtype });
  const baseParameters = countParameters(loaded.weights.values());
  const plan = batchPlanOf(draft);
  const probe = probeOf(draft, plan, emit);
  const method = await attachMethod(loaded, draft, base, { ...data, probe, kept: keptStart(draft.runDir) });
  const optimizer = new AdamW(method.parameters, {
    ...settings,
    ruleOf: rulesFor(settings.weightDecayOn, method.lrScaleOf, draft.magnitudesDecay ?? false),
  });
  const progress = state === null ? newProgress() : loadRunState(state, method.parameters, optimizer);
  if (draft.rolledBack) forgetLostBest(progress, draft.runDir);
  const trainableParameters = countParameters(method.parameters);
  const totalSteps = totalStepsOf(settings, plan);
  const trainsBase = !isAdapter(draft.method);
  if (state === null && !trainsBase) progress.startDigest = await digestOf(method.parameters);
  return {
    dir: draft.runDir,
    engine,
    device,
    settings,
    data,
    model: method.model,
    method,
    optimizer,
    plan,
    progress,
    totalSteps,
    warmup: (draft.shortWarmup ? warmupSteps : warmupAsked)(settings.warmup, totalSteps),
    trainableParameters,
    totalParameters: baseParameters + (trainsBase ? 0 : trainableParameters),
    tensorLimitBytes: tensorLimitBytes(engine, gpu, settings.memoryLimitBytes),
    keepsOnlyNewestState: trainsBase,
    sampler: null,
    emit,
    control,
  };
}

/** A run that was rolled back may name a best evaluation whose values went with the steps after it. */
function forgetLostBest(progress: Progress, runDir: string): void {
  if (progress.best && !hasBestValues(runDir, progress.best.step))
    Object.assign(progress, { best: null, evaluationsWithoutGain: 0 });
}
