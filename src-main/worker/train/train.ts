/**
 * A training run from its spec to its adapter: reads model and data itself, reports events, writes files, and nothing
 * else.
 */
import { GraftError, usageError } from '../../../src-shared/errors.ts';
import type { RunSpec } from '../../../src-shared/runSpec.ts';
import type { TrainEvent, TrainResult } from '../../../src-shared/training.ts';
import type { Parameter } from '../../engine/model/parameters.ts';
import { digestOf } from './digest.ts';
import { runWarnings } from '../../../src-shared/runWarnings.ts';
import { firstNotFinite } from '../../engine/train/finite.ts';
import { removeInterim, saveInterim } from '../../runfolder/interim.ts';
import { interimDir, runStateFile } from '../../runfolder/layout.ts';
import type { Ranks } from '../../mpi/ranks.ts';
import type { CallControl } from '../control.ts';
import { loadBestValues } from './bestValues.ts';
import { templateWarnings } from '../../datasets/promptTemplates.ts';
import { EARLY_BYTES } from '../../datasets/tokens/preparedTokens.ts';
import { withDraft, type Draft } from './draft.ts';
import { saveEndState } from './endState.ts';
import { trainLoop, type LoopEnd } from './loop.ts';
import { comparedRows, heldOutLosses } from './heldOutRows.ts';
import type { Run } from './run.ts';
import { makeSampler } from './sampling.ts';
import { startRun } from './start.ts';
import { startTogether } from './startTogether.ts';
import { alone, teamOf, type Team } from './team.ts';

/** `ranks`: the processes that train the run together; each calls this, the first alone tells and writes. */
export async function train(
  spec: RunSpec,
  resume: boolean,
  emit: (event: TrainEvent) => void,
  control: CallControl,
  ranks?: Ranks | null,
): Promise<TrainResult> {
  const team = ranks ? teamOf(ranks, control) : alone(control);
  const tell = team.rank === 0 ? emit : () => undefined;
  await team.each(() => checkTeam(spec, team));
  let begun = false;
  const work = async (draft: Draft): Promise<TrainResult> => {
    begun = true;
    const run = await team.each(() =>
      begin(draft, { state: resume ? runStateFile(spec.runDir) : null, emit: tell, team }),
    );
    await startTogether(run);
    if (team.rank === 0) announce(run);
    if (run.progress.step === 0) warn(run);
    if (team.rank === 0) void draft.data.rest?.();
    const end = await trainLoop(run);
    return team.first(() => finish(run, end, spec.outDir));
  };
  try {
    return await withDraft(spec, tell, work, { earlyBytes: EARLY_BYTES });
  } catch (error) {
    if (begun) throw error;
    return team.fail(error); // the others wait where the run begins
  }
}

async function begin(draft: Draft, options: Parameters<typeof startRun>[1]): Promise<Run> {
  const run = await startRun(draft, options);
  run.sampler = makeSampler(run);
  return run;
}

/** Throws a usage error where one process has to do it. */
function checkTeam({ objective }: RunSpec, { size }: Team): void {
  if (size === 1 || !objective) return;
  throw usageError(
    'MPI_FAILED',
    `A run that learns from choices (objective ${objective.type}) is trained by one process, not by ${size}; start ` +
      'it without mpirun.',
    { objective: objective.type, processes: size },
  );
}

function announce({
  engine,
  device,
  trainableParameters,
  totalParameters,
  totalSteps,
  plan,
  data,
  sampler,
  progress,
  emit,
}: Run): void {
  emit({
    type: 'started',
    engine,
    device,
    trainableParameters,
    totalParameters,
    totalSteps,
    stepsPerEpoch: plan.stepsFor(1),
    trainRows: data.train.length,
    rows: data.kind,
    valRows: data.val.length,
    ...(sampler ? { expected: sampler.expected } : {}),
    resumedFrom: progress.step,
  });
}

/** Once: a run that goes on has been told. */
function warn({ data, totalSteps, settings, emit }: Run): void {
  for (const message of templateWarnings(data.tokenizer, data.promptTemplate)) emit({ type: 'log', message });
  const facts = { trainRows: data.train.length, valRows: data.val.length, totalSteps, train: settings };
  for (const message of runWarnings(facts)) emit({ type: 'log', message });
}

/** Writes what the run has come to. Its state stays until the catalogue knows of the result. */
async function finish(run: Run, { outcome, stoppedEarly }: LoopEnd, outDir: string): Promise<TrainResult> {
  const { method, progress } = run;
  if (outcome === 'completed') await saveEndState(run);
  if (run.settings.keepBest && progress.best) {
    loadBestValues(run.dir, progress.best.step, method.parameters);
    progress.valLoss = progress.best.valLoss;
  }
  await assertFinite(method.parameters);
  const isPaused = outcome === 'paused';
  const before = progress.heldOutLosses;
  const heldOut = isPaused || !before?.length ? null : comparedRows(before, await heldOutLosses(run));
  const written = await (isPaused ? saveInterim(run.dir, method.save) : method.save());
  if (!isPaused) removeInterim(run.dir);
  return {
    outcome,
    stoppedEarly,
    best: progress.best,
    skippedSteps: progress.skippedSteps,
    outDir: isPaused ? interimDir(run.dir) : outDir,
    ...written,
    steps: progress.step,
    firstLoss: progress.firstLoss,
    finalLoss: progress.lastLoss,
    ...(progress.startDigest ? { unchanged: (await digestOf(method.parameters)) === progress.startDigest } : {}),
    trainingMs: progress.trainingMs,
    initialValLoss: progress.initialValLoss,
    valLoss: progress.valLoss,
    ...(heldOut ? { heldOut } : {}),
    ...(run.data.promptTemplate ? { promptTemplate: run.data.promptTemplate.name } : {}),
    trainableParameters: run.trainableParameters,
    totalParameters: run.totalParameters,
    tokensPerSecond: progress.tokens / (progress.trainingMs / 1000),
    peakMemoryBytes: progress.peakMemoryBytes,
    engine: run.engine,
    device: run.device,
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
