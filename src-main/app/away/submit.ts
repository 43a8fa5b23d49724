/** Has a target begin with jobs that lie there. */
import path from 'node:path';
import type { RemoteTarget, SlurmTarget, SshTarget } from '../../../src-shared/remoteTargets.ts';
import { ARRAY_FILE, JOB, WORK } from '../../jobs/layout.ts';
import type { Machine } from '../../remote/machine.ts';
import type { Runtime } from '../../remote/runtime.ts';
import { batchArguments, BATCH_SCRIPT } from '../../slurm/script.ts';
import { submit } from '../../slurm/submit.ts';

/** Ahead of the end of its time a job is told to end, so that its state is written. */
const AHEAD_SECONDS = 90;

export interface Place {
  machine: Machine;
  target: RemoteTarget;
  /** Absolute. */
  workDir: string;
  runtime: Runtime;
}

/** One job of Slurm. */
export async function submitJob(place: Place & { target: SlurmTarget }, name: string, jobDir: string): Promise<string> {
  return submitFolder(place, name, jobDir, {});
}

/** One array of jobs, in the order of `jobDirs`; `id`: a name that no other array has. */
export async function submitArray(
  place: Place & { target: SlurmTarget },
  name: string,
  id: string,
  jobDirs: string[],
): Promise<string> {
  const { machine, workDir, target } = place;
  const dir = path.posix.join(workDir, WORK.arrays, id);
  await machine.makeFolder(dir);
  await machine.write(path.posix.join(dir, ARRAY_FILE), `${JSON.stringify(jobDirs, null, 1)}\n`);
  return submitFolder(place, name, dir, {
    array: { count: jobDirs.length, ...(target.atATime ? { atATime: target.atATime } : {}) },
  });
}

async function submitFolder(
  { machine, target, workDir, runtime }: Place & { target: SlurmTarget },
  name: string,
  dir: string,
  more: { array?: { count: number; atATime?: number } },
): Promise<string> {
  const scriptFile = path.posix.join(workDir, WORK.runtime, 'job.sh');
  await machine.write(scriptFile, BATCH_SCRIPT);
  const { jobId } = await submit(machine, {
    name,
    scriptFile,
    args: batchArguments({ ...runtime, folder: dir, processes: target.processes, mpirun: target.mpirun }),
    options: target.options,
    logFile: path.posix.join(dir, JOB.log),
    cwd: dir,
    ntasks: target.processes,
    signalSeconds: AHEAD_SECONDS,
    ...more,
  });
  return jobId;
}

/** A process on another machine that outlives the connection. */
export async function startProcess(
  { machine, target, runtime }: Place & { target: SshTarget },
  jobDir: string,
): Promise<number> {
  const worker = [runtime.node, runtime.entry, 'worker', jobDir];
  const argv =
    target.processes > 1 ? [target.mpirun, '-np', String(target.processes), ...worker] : worker;
  const { pid } = await machine.start(argv, { cwd: jobDir, logFile: path.posix.join(jobDir, JOB.log) });
  return pid;
}
