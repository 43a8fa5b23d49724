/**
 * Trains the job in a folder, from its state where there is one. The folder is all that this process knows and all that
 * it writes to, so that it runs wherever the folder lies. Of several processes that train it together the first alone
 * reads what is to be done, tells and writes.
 */
import fs from 'node:fs';
import os from 'node:os';
import path from 'node:path';
import { GraftError, toErrorData } from '../../../src-shared/errors.ts';
import type { JobPhase, JobState } from '../../../src-shared/jobs.ts';
import type { RunSpec } from '../../../src-shared/runSpec.ts';
import type { TrainEvent, TrainResult } from '../../../src-shared/training.ts';
import { isAlive } from '../../files/isAlive.ts';
import type { Ranks } from '../../mpi/ranks.ts';
import { runStateFile } from '../../runfolder/layout.ts';
import type { SlurmPlace } from '../../slurm/place.ts';
import { CallControl } from '../../worker/control.ts';
import { alone, teamOf, type Team } from '../../worker/train/team.ts';
import { train } from '../../worker/train/train.ts';
import { JobEvents } from '../events.ts';
import { checkFiles, readJobFile, specHere } from '../jobFile.ts';
import { JOB } from '../layout.ts';
import { notOurs } from '../ownFile.ts';
import { readControl, readState } from '../state.ts';
import { engineHere } from './engine.ts';
import { JobReport } from './report.ts';
import { Wishes } from './wishes.ts';

export interface Surroundings {
  /** Of a job that Slurm has begun. */
  slurm?: SlurmPlace;
  /** Asks for this process to be begun anew after a time limit. */
  again?: () => Promise<void>;
  /** The processes that train it together. */
  ranks?: Ranks | null;
}

/** What all processes do: train that run, or nothing since the job is in this phase already. */
type Plan = { spec: RunSpec; resumes: boolean } | { phase: JobPhase };

/** How long a process that died may seem to live. */
const SILENT_MS = 30_000;

/** The phase it ended in. Throws where nobody could be told: the folder is no job, or another process is at it. */
export async function runJob(jobDir: string, surroundings: Surroundings = {}): Promise<JobPhase> {
  const { ranks = null, slurm } = surroundings;
  const control = new CallControl();
  const team = ranks ? teamOf(ranks, control) : alone(control);
  if (team.rank === 0) return lead(jobDir, surroundings, control, team);
  const wishes = new Wishes(null, control, slurm?.endsAtMs);
  try {
    const plan = await team.first<Plan>(() => ({ phase: 'failed' }));
    if ('phase' in plan) return plan.phase;
    const { outcome } = await train(plan.spec, plan.resumes, () => undefined, control, ranks);
    return outcome === 'paused' && wishes.why ? 'interrupted' : outcome;
  } finally {
    wishes.close();
  }
}

async function lead(
  jobDir: string,
  { slurm, again, ranks = null }: Surroundings,
  control: CallControl,
  team: Team,
): Promise<JobPhase> {
  const before = openJob(jobDir);
  const attempt = (before?.attempt ?? 0) + 1;
  if (before && isEnd(before.phase) && readControl(jobDir).afterAttempt !== before.attempt) {
    await team.first<Plan>(() => ({ phase: before.phase }));
    return before.phase;
  }
  const report = new JobReport(jobDir, beginning(jobDir, before, attempt, { slurm, ranks: team.size }));
  const wishes = new Wishes(jobDir, control, slurm?.endsAtMs);
  const events = new JobEvents(jobDir, attempt);
  try {
    const plan = await team.first(() => planOf(jobDir, before, attempt, control));
    if ('phase' in plan) {
      report.end({ phase: plan.phase, resumable: false });
      return plan.phase;
    }
    report.change({ engine: plan.spec.engine === 'auto' ? undefined : plan.spec.engine });
    const emit = (event: TrainEvent): void => {
      events.write(event);
      if (event.type === 'step') report.step(event.step);
      if (event.type === 'checkpoint') report.change({ resumable: true });
    };
    const result = inFolder(jobDir, await train(plan.spec, plan.resumes, emit, control, ranks));
    const phase = result.outcome === 'paused' && wishes.why ? 'interrupted' : result.outcome;
    if (wishes.why === 'time limit') refuseStandstill(before, result, jobDir);
    report.end({ phase, result, resumable: hasState(jobDir), ...(wishes.why ? { why: wishes.why } : {}) });
    if (phase === 'interrupted' && wishes.why === 'time limit') await again?.();
    return phase;
  } catch (error) {
    const failure = toErrorData(error);
    events.write({ type: 'log', message: failure.message });
    report.end({ phase: 'failed', error: failure, resumable: hasState(jobDir) });
    if (ranks) throw error; // the others have to hear of it
    return 'failed';
  } finally {
    wishes.close();
    events.close();
  }
}

/** What the attempt before has left; null before the first one. */
function openJob(jobDir: string): JobState | null {
  readJobFile(jobDir);
  const before = readState(jobDir);
  refuseSecond(jobDir, before);
  for (const name of [JOB.runDir, JOB.outDir]) {
    const dir = path.join(jobDir, name);
    if (fs.lstatSync(dir, { throwIfNoEntry: false })?.isSymbolicLink()) throw notOurs(dir, 'is a link');
  }
  fs.mkdirSync(path.join(jobDir, JOB.runDir), { recursive: true, mode: 0o700 });
  return before;
}

function beginning(
  jobDir: string,
  before: JobState | null,
  attempt: number,
  { slurm, ranks }: { slurm: SlurmPlace | undefined; ranks: number },
): JobState {
  return {
    phase: 'running',
    attempt,
    host: os.hostname(),
    pid: process.pid,
    beganAtMs: Date.now(),
    beatMs: Date.now(),
    step: before?.step ?? 0,
    ranks,
    resumable: hasState(jobDir),
    ...(before?.engine ? { engine: before.engine } : {}),
    ...(slurm ? { slurm: { jobId: slurm.jobId, arrayTask: slurm.arrayTask, restarts: slurm.restarts } } : {}),
  };
}

function planOf(jobDir: string, before: JobState | null, attempt: number, control: CallControl): Plan {
  const job = readJobFile(jobDir);
  if (attempt === 1) checkFiles(jobDir, job);
  const resumes = hasState(jobDir);
  if (control.stopped && !resumes) return { phase: 'stopped' };
  const spec = specHere(jobDir, job);
  const engine = spec.engine === 'auto' ? (before?.engine ?? engineHere()) : spec.engine;
  // Without a result nobody knows of this folder: a kill came between its rename and the state.
  fs.rmSync(spec.outDir, { recursive: true, force: true });
  return { spec: { ...spec, engine }, resumes };
}

/** A scheduler may begin once more with what is done. */
function isEnd(phase: JobPhase): boolean {
  return phase === 'completed' || phase === 'stopped';
}

/** As it is read on another machine. */
function inFolder(jobDir: string, result: TrainResult): TrainResult {
  return { ...result, outDir: path.relative(path.resolve(jobDir), result.outDir) };
}

function hasState(jobDir: string): boolean {
  return fs.existsSync(runStateFile(path.join(jobDir, JOB.runDir)));
}

/** Throws AWAY_ENDED where its time was over for the second time without a step: it would be begun anew for ever. */
function refuseStandstill(before: JobState | null, { outcome, steps }: TrainResult, jobDir: string): void {
  if (outcome !== 'paused' || before?.why !== 'time limit' || steps > (before.result?.steps ?? 0)) return;
  throw new GraftError(
    'AWAY_ENDED',
    `The time limit of the job in ${jobDir} is too short to take a step after step ${steps}; give it more time ` +
      '(--slurm time=…), then resume the run.',
    { steps },
  );
}

/** Throws BUSY where a living process trains this job. */
function refuseSecond(jobDir: string, before: JobState | null): void {
  if (before?.phase !== 'running' || before.host !== os.hostname() || before.pid === process.pid) return;
  if (Date.now() - before.beatMs > SILENT_MS || !isAlive(before.pid)) return;
  throw new GraftError(
    'BUSY',
    `The process ${before.pid} is training the job in ${jobDir} already; wait for its end.`,
    { pid: before.pid },
  );
}
