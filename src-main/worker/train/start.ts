/** Makes a run from its draft and, where it goes on, from its state. */
import { isAdapter } from '../../../src-shared/methods/registry.ts';
import { baseFormsOf } from '../../../src-shared/baseDtypes.ts';
import { GraftError } from '../../../src-shared/errors.ts';
import { countParameters } from '../../engine/model/parameters.ts';
import { AdamW } from '../../engine/optim/adamw.ts';
import { rulesFor } from '../../engine/optim/rules.ts';
import { attachMethod, type AttachedMethod } from '../../methods/attach.ts';
import { startFromAdapter } from '../../methods/startValues.ts';
import { scheduleFactor, warmupAsked, warmupSteps } from '../../../src-shared/schedule.ts';
import { collate } from '../../datasets/batches.ts';
import type { BatchPlan } from '../../datasets/batchPlan.ts';
import { checkBindings } from '../plan/checkBindings.ts';
import { longestBatch } from '../plan/longestBatch.ts';
import { hasReference } from '../../../src-shared/objectives.ts';
import { useBackend } from '../backend.ts';
import { loadDecoder } from '../loadDecoder.ts';
import { digestOf } from './digest.ts';
import { hasBestValues } from './bestValues.ts';
import { Choices } from './choices.ts';
import { batchPlanOf, totalStepsOf, type Draft } from './draft.ts';
import { tensorLimits } from './memoryGuard.ts';
import { keptStart, probeOf } from './probe.ts';
import { measureReferences } from './references.ts';
import type { Run } from './run.ts';
import { loadRunState, newProgress, type Progress } from './state.ts';

interface StartOptions extends Pick<Run, 'emit' | 'team'> {
  /** File of the run state to go on from; null: from the start. */
  state: string | null;
  /** False for a run that leaves nothing behind: a start that is looked for in the data is not kept either. */
  keepsStart?: boolean;
}

/**
 * Loads the model and attaches what is trained; of several processes only the first reads the state, and writes. Throws
 * what loading, attaching and loadRunState throw.
 */
export async function startRun(draft: Draft, { state, emit, team, keepsStart = true }: StartOptions): Promise<Run> {
  const { base, data, engine, train: settings } = draft;
  if (engine === 'auto')
    throw new GraftError('INTERNAL', 'The run was started before its engine was chosen; start it again.');
  const { device, gpu, bindingBytes } = await useBackend(engine);
  if (bindingBytes !== undefined) await checkLongest(draft, bindingBytes);
  const loaded = await loadDecoder(base, {
    ...baseFormsOf(draft),
    onProgress: (progress) => emit({ type: 'loading', ...progress }),
    onNote: (message) => emit({ type: 'log', message }),
  });
  const baseParameters = countParameters(loaded.weights.values());
  const plan = batchPlanOf(draft);
  const choices = draft.objective ? new Choices(draft.objective, data, settings.seed) : null;
  const probe = probeOf(draft, plan, emit);
  const { control } = team;
  const kept = keepsStart ? keptStart(draft.runDir, { writes: team.rank === 0 }) : undefined;
  const method = await attachMethod(loaded, draft, base, { ...data, probe, kept });
  const begun = firstStep(draft, method, plan);
  // A run that goes on has what it began with in its state; only the reference may still want it.
  if (draft.startsFrom && (state === null || choices)) startFromAdapter(method.parameters, draft.startsFrom, base);
  if (choices && hasReference(choices.objective)) {
    method.beforeEvaluation();
    await measureReferences(choices, {
      model: method.model,
      plan,
      totalSteps: begun.totalSteps,
      batch: settings.batch,
      runDir: keepsStart ? draft.runDir : null,
      emit,
      control,
    });
  }
  const readsState = state !== null && team.rank === 0;
  const progress = readsState ? loadRunState(state, method.parameters, begun.optimizer) : begun.progress;
  if (draft.rolledBack) forgetLostBest(progress, draft.runDir);
  const trainableParameters = countParameters(method.parameters);
  const trainsBase = !isAdapter(draft.method);
  if (state === null && !trainsBase) progress.startDigest = await digestOf(method.parameters);
  return {
    ...begun,
    progress,
    dir: draft.runDir,
    engine,
    device,
    data,
    model: method.model,
    method,
    choices,
    plan,
    trainableParameters,
    totalParameters: baseParameters + (trainsBase ? 0 : trainableParameters),
    ...tensorLimits(engine, gpu, settings.memoryLimitBytes, team.here),
    keepsOnlyNewestState: trainsBase,
    sampler: null,
    emit,
    control,
    team,
  };
}

/** Rows of unknown lengths are tokenised first only where one of the maximum length would not do. */
async function checkLongest(draft: Draft, bindingBytes: number): Promise<void> {
  const { data, train } = draft;
  if (data.rest) {
    const rows = Array.from({ length: train.batch }, () => ({
      ids: new Int32Array(data.maxLength),
      labels: new Int32Array(data.maxLength),
    }));
    try {
      return checkBindings(draft, collate(rows, [...rows.keys()], data.padId), bindingBytes);
    } catch {
      await data.rest();
    }
  }
  checkBindings(draft, longestBatch(draft), bindingBytes);
}

/** What a run has before its first step: an optimiser without moments, and the learning rates of its schedule. */
export function firstStep(
  { train: settings, shortWarmup, magnitudesDecay = false }: Pick<Draft, 'train' | 'shortWarmup' | 'magnitudesDecay'>,
  method: AttachedMethod,
  plan: BatchPlan,
): Pick<Run, 'settings' | 'optimizer' | 'progress' | 'totalSteps' | 'lrOf'> {
  const totalSteps = totalStepsOf(settings, plan);
  const warmup = (shortWarmup ? warmupSteps : warmupAsked)(settings.warmup, totalSteps);
  const ruleOf = rulesFor(settings.weightDecayOn, method.lrScaleOf, magnitudesDecay);
  return {
    settings,
    optimizer: new AdamW(method.parameters, { ...settings, ruleOf }),
    progress: newProgress(),
    totalSteps,
    lrOf: (step) => settings.lr * scheduleFactor(settings.schedule, step, warmup, totalSteps),
  };
}

/** A run that was rolled back may name a best evaluation whose values went with the steps after it. */
function forgetLostBest(progress: Progress, runDir: string): void {
  if (progress.best && !hasBestValues(runDir, progress.best.step))
    Object.assign(progress, { best: null, evaluationsWithoutGain: 0 });
}
