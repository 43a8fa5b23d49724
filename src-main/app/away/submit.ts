/** Has a target begin with jobs that lie there. */
import path from 'node:path';
import type { RemoteTarget, SlurmTarget, SshTarget } from '../../../src-shared/remoteTargets.ts';
import { JOB, WORK } from '../../jobs/layout.ts';
import type { Machine } from '../../remote/machine.ts';
import type { Runtime } from '../../remote/runtime.ts';
import { BATCH_SCRIPT, batchArguments } from '../../slurm/batchScript.ts';
import { GLIBC_TUNABLES } from '../workers/environment.ts';
import { submit } from '../../slurm/submit.ts';

export interface Place<T = RemoteTarget> {
  machine: Machine;
  /** Its work folder is absolute. */
  target: T;
  runtime: Runtime;
}

/** How squeue shows what was submitted under this key. */
export const commentOf = (key: string): string => `graft ${key}`;

/** The number that Slurm gives the job; of several folders it is an array of jobs, in their order. */
export async function submitJobs(
  place: Place<SlurmTarget>,
  { name, key }: { name: string; key: string },
  jobDirs: string[],
): Promise<string> {
  const { machine, target } = place;
  const { workDir, options, processes, atATime } = target;
  const scriptFile = path.posix.join(workDir, WORK.runtime, 'job.sh');
  await machine.write(scriptFile, BATCH_SCRIPT);
  const { jobId } = await submit(machine, {
    name,
    comment: commentOf(key),
    scriptFile,
    args: batchArguments(workerCommand(place), jobDirs),
    options,
    ...(jobDirs.length > 1 ? { array: { count: jobDirs.length, ...(atATime ? { atATime } : {}) } } : {}),
    cwd: workDir,
    ntasks: processes,
  });
  return jobId;
}

/** A process on another machine that outlives the connection. */
export async function startProcess(place: Place<SshTarget>, jobDir: string): Promise<number> {
  const logFile = path.posix.join(jobDir, JOB.log);
  const { pid } = await place.machine.start([...workerCommand(place), jobDir], { cwd: jobDir, logFile });
  return pid;
}

/** What trains the job in the folder that is named behind it. */
function workerCommand({ target, runtime }: Place): string[] {
  const { processes, mpirun, threads } = target;
  const together = processes > 1 ? [mpirun, '-np', String(processes)] : [];
  // Behind mpirun, so that the processes have it on whichever machine they are.
  const settings = [`GLIBC_TUNABLES=${GLIBC_TUNABLES}`, ...(threads ? [`TF_NUM_INTRAOP_THREADS=${threads}`] : [])];
  return [...together, 'env', ...settings, runtime.node, runtime.entry, 'worker'];
}
