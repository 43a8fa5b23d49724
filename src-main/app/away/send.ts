/** Brings what a run needs to its target: what several runs share once, then the folder of its job. */
import fs from 'node:fs';
import path from 'node:path';
import type { AwayRun } from '../../catalog/away.ts';
import type { Run } from '../../catalog/runs.ts';
import { GraftError } from '../../../src-shared/errors.ts';
import type { RemoteTarget } from '../../../src-shared/remoteTargets.ts';
import { temporaryNameFor } from '../../files/writeWhole.ts';
import { assembleJob, stageInput } from '../../jobs/assemble.ts';
import { inputsOf, type Input } from '../../jobs/inputs.ts';
import { JOB, WORK } from '../../jobs/layout.ts';
import type { Machine, TransferOptions } from '../../remote/machine.ts';
import { look } from '../looking/look.ts';

export interface Sending {
  machine: Machine;
  target: RemoteTarget;
  /** Folder of this machine for what is only made to be sent. */
  stagingDir: string;
  onProgress: (what: string, share: number) => void;
  signal: AbortSignal;
}

/** Folder of a run's job on its target. */
export function jobDirOf({ workDir }: RemoteTarget, runId: string): string {
  return path.posix.join(workDir, WORK.jobs, runId);
}

/**
 * Sent again, a job keeps what it has done there; whether there was none. Throws what the machine throws; what has
 * arrived stays.
 */
export async function sendRun(run: Run, { jobDir }: Pick<AwayRun, 'jobDir'>, sending: Sending): Promise<boolean> {
  const { machine, target } = sending;
  const inputs = inputsOf(run.spec);
  await machine.makeFolder(path.posix.join(target.workDir, WORK.jobs));
  const base = seenThere(inputs.base, sending) ? [inputs.base.dir] : [];
  if (base.length === 0) await sendInput(inputs.base, 'the base', sending, () => refuseChangedBase(run.spec));
  await sendInput(inputs.data, 'the data', sending, () => refuseChangedData(run.spec));
  if (inputs.start) await sendInput(inputs.start, 'the adapter that it begins with', sending);
  await machine.makeFolder(jobDir);
  const isNew = !(await machine.exists(path.posix.join(jobDir, JOB.file)));
  // Written once all of it is there.
  if (!isNew && (await machine.exists(path.posix.join(jobDir, JOB.control)))) return false;
  await staged(sending, async (dir) => {
    const places = { base: [...base, up(inputs.base)], data: up(inputs.data), start: inputs.start && up(inputs.start) };
    await assembleJob({ spec: run.spec, name: run.name, inputs }, places, dir);
    await machine.send(dir, jobDir, options(sending, 'the run'));
  });
  return isNew;
}

/** Throws MODEL_CHANGED, and what is wrong with a folder that is none. */
async function refuseChangedBase({ model: { dir, hash } }: Run['spec']): Promise<void> {
  if ((await look('readModel', [dir])).hash === hash) return;
  throw new GraftError(
    'MODEL_CHANGED',
    `The files in ${dir} have changed since the run was set up; add the model again and start a new run.`,
    { dir },
  );
}

/** Throws DATASET_CHANGED. */
async function refuseChangedData({ data: { file, hash } }: Run['spec']): Promise<void> {
  if (hash === undefined || (await look('fileSha256', [file])) === hash) return;
  throw new GraftError(
    'DATASET_CHANGED',
    `${file} has changed since the run was set up; add the dataset again and start a new run.`,
    { file },
  );
}

/** From the folder of a job. */
function up({ kind, hash }: Input): string {
  return path.posix.join('..', '..', kind, hash);
}

/** On this machine a base is read where it lies, if that is the disk that the cluster's nodes see as well. */
function seenThere({ dir }: Input, { machine, target }: Sending): boolean {
  if (!machine.isLocal) return false;
  const there = fs.statSync(nearest(target.workDir), { throwIfNoEntry: false });
  return there?.dev === fs.statSync(dir).dev;
}

function nearest(dir: string): string {
  return fs.existsSync(dir) || path.dirname(dir) === dir ? dir : nearest(path.dirname(dir));
}

/** `check`: what lies there under its hash is taken by all runs to come, so it must be what the hash says. */
async function sendInput(input: Input, what: string, sending: Sending, check?: () => Promise<void>): Promise<void> {
  const { machine, target } = sending;
  const to = path.posix.join(target.workDir, input.kind, input.hash);
  const all = path.posix.join(to, '.complete');
  if (await machine.exists(all)) return;
  await check?.();
  await machine.makeFolder(to);
  await staged(sending, async (dir) => {
    stageInput(input, dir);
    await machine.send(dir, to, options(sending, what));
  });
  await machine.write(all, '');
}

function options({ onProgress, signal }: Sending, what: string): TransferOptions {
  return { signal, onProgress: (done, total) => onProgress(what, total > 0 ? done / total : 1) };
}

/** Runs `work` on a new folder, which goes in the end. */
async function staged(
  { stagingDir }: Pick<Sending, 'stagingDir'>,
  work: (dir: string) => Promise<void>,
): Promise<void> {
  fs.mkdirSync(stagingDir, { recursive: true, mode: 0o700 });
  const dir = temporaryNameFor(path.join(stagingDir, 'job'));
  fs.mkdirSync(dir, { mode: 0o700 });
  try {
    await work(dir);
  } finally {
    fs.rmSync(dir, { recursive: true, force: true });
  }
}
