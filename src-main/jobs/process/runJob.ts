/**
 * Trains the job in a folder, from its state where there is one. The folder is all that this process knows and all that
 * it writes to, so that it runs wherever the folder lies.
 */
import fs from 'node:fs';
import os from 'node:os';
import path from 'node:path';
import { GraftError, toErrorData } from '../../../src-shared/errors.ts';
import type { JobFile, JobState } from '../../../src-shared/jobs.ts';
import type { RunSpec } from '../../../src-shared/runSpec.ts';
import type { TrainEvent, TrainResult } from '../../../src-shared/training.ts';
import { isAlive } from '../../files/isAlive.ts';
import { runStateFile } from '../../runfolder/layout.ts';
import { CallControl } from '../../worker/control.ts';
import type { SlurmPlace } from '../../slurm/place.ts';
import { train } from '../../worker/train/train.ts';
import { JobEvents } from '../events.ts';
import { checkFiles, readJobFile, specHere } from '../jobFile.ts';
import { JOB } from '../layout.ts';
import { readControl, readState } from '../state.ts';
import { engineHere } from './engine.ts';
import { JobReport } from './report.ts';
import { Wishes } from './wishes.ts';

/** Of a job that a scheduler has begun. */
export interface Surroundings {
  slurm?: SlurmPlace;
  /** Asks for this process to be begun anew after a time limit. */
  again?: () => Promise<void>;
}

/** How long a process that died may seem to live on another machine. */
const SILENT_MS = 30_000;

/** The phase it ended in. Throws where nobody could be told: the folder is no job, or another process is at it. */
export async function runJob(jobDir: string, surroundings: Surroundings = {}): Promise<JobState['phase']> {
  const job = readJobFile(jobDir);
  const before = readState(jobDir);
  if (before && isEnd(before.phase) && readControl(jobDir).afterAttempt !== before.attempt) return before.phase;
  refuseSecond(jobDir, before);
  fs.mkdirSync(path.join(jobDir, JOB.runDir), { recursive: true, mode: 0o700 });
  const attempt = (before?.attempt ?? 0) + 1;
  const report = new JobReport(jobDir, {
    phase: 'running',
    attempt,
    host: os.hostname(),
    pid: process.pid,
    beganAtMs: Date.now(),
    beatMs: Date.now(),
    step: before?.step ?? 0,
    ranks: 1,
    resumable: hasState(jobDir),
    ...(before?.engine ? { engine: before.engine } : {}),
    ...(surroundings.slurm ? { slurm: placeIn(surroundings.slurm) } : {}),
  });
  const control = new CallControl();
  const wishes = new Wishes(jobDir, control, surroundings.slurm?.endsAtMs);
  const events = new JobEvents(jobDir, attempt);
  try {
    return await attemptJob(jobDir, job, { attempt, before, report, control, wishes, events, surroundings });
  } catch (error) {
    const failure = toErrorData(error);
    events.write({ type: 'log', message: failure.message });
    report.end({ phase: 'failed', error: failure, resumable: hasState(jobDir) });
    return 'failed';
  } finally {
    wishes.close();
    events.close();
  }
}

interface Attempt {
  attempt: number;
  before: JobState | null;
  report: JobReport;
  control: CallControl;
  wishes: Wishes;
  events: JobEvents;
  surroundings: Surroundings;
}

async function attemptJob(
  jobDir: string,
  job: JobFile,
  { attempt, before, report, control, wishes, events, surroundings }: Attempt,
): Promise<JobState['phase']> {
  if (attempt === 1) checkFiles(jobDir, job);
  const resumes = hasState(jobDir);
  if (control.stopped && !resumes) {
    report.end({ phase: 'stopped', resumable: false });
    return 'stopped';
  }
  const here = specHere(jobDir, job);
  const engine = here.engine === 'auto' ? (before?.engine ?? engineHere()) : here.engine;
  const spec: RunSpec = { ...here, engine };
  report.change({ engine });
  // Without a result nobody knows of this folder: a kill came between its rename and the state.
  fs.rmSync(spec.outDir, { recursive: true, force: true });
  const emit = (event: TrainEvent): void => {
    events.write(event);
    if (event.type === 'step') report.step(event.step);
    if (event.type === 'checkpoint') report.change({ resumable: true });
  };
  const result = inFolder(jobDir, await train(spec, resumes, emit, control));
  const phase = result.outcome === 'paused' && wishes.why ? 'interrupted' : result.outcome;
  report.end({ phase, result, resumable: hasState(jobDir), ...(wishes.why ? { why: wishes.why } : {}) });
  if (phase === 'interrupted' && wishes.why === 'time limit') await surroundings.again?.();
  return phase;
}

function placeIn({ jobId, arrayTask, restarts }: SlurmPlace): NonNullable<JobState['slurm']> {
  return { jobId, restarts, ...(arrayTask === undefined ? {} : { arrayTask }) };
}

/** A scheduler may begin once more with what is done. */
function isEnd(phase: JobState['phase']): boolean {
  return phase === 'completed' || phase === 'stopped';
}

/** As it is read on another machine. */
function inFolder(jobDir: string, result: TrainResult): TrainResult {
  return { ...result, outDir: path.relative(path.resolve(jobDir), result.outDir) };
}

function hasState(jobDir: string): boolean {
  return fs.existsSync(runStateFile(path.join(jobDir, JOB.runDir)));
}

/** Throws BUSY where a living process trains this job. */
function refuseSecond(jobDir: string, before: JobState | null): void {
  if (before?.phase !== 'running' || before.host !== os.hostname() || before.pid === process.pid) return;
  if (Date.now() - before.beatMs > SILENT_MS || !isAlive(before.pid)) return;
  throw new GraftError('BUSY', `The process ${before.pid} is training the job in ${jobDir} already; wait for its end.`, {
    pid: before.pid,
  });
}

