/** What Slurm says of jobs: the queue, and a job that has left it. Neither needs an accounting database. */
import { inUtc, isoTime, refused, slurm, type SlurmHost } from './host.ts';
import { durationMs } from './duration.ts';

export interface QueuedJob {
  jobId: string;
  /** Its place in an array; null for a job that is none. */
  arrayTask: number | null;
  /** As Slurm names it: PENDING, RUNNING, COMPLETING, SUSPENDED, REQUEUED … */
  state: string;
  /** Why it waits: Priority, Resources, BeginTime, JobArrayTaskLimit …; `None` while it runs. */
  reason: string;
  /** When it has begun or, as Slurm thinks, will (ISO 8601); null where it does not say. */
  startsAt: string | null;
  /** Until its time limit; null without one. */
  leftMs: number | null;
}

/** The reason comes last, since it alone may hold any character. */
const FORMAT = '%F|%K|%T|%S|%L|%r';

/** This user's jobs that wait or run, each task of an array on its own. Throws GraftError SLURM_FAILED. */
export async function queue(host: SlurmHost): Promise<QueuedJob[]> {
  const command = inUtc(['squeue', '--noheader', '--array', '--me', `--format=${FORMAT}`]);
  const { stdout } = await slurm(host, command, 'Slurm did not tell its queue');
  return stdout.split('\n').flatMap((line) => {
    const [jobId, task, state, start, left, ...reason] = line.trim().split('|');
    if (!jobId || reason.length === 0) return [];
    return {
      jobId,
      arrayTask: /^\d+$/.test(task!) ? Number(task) : null,
      state: state!,
      reason: reason.join('|'),
      startsAt: isoTime(start!),
      leftMs: durationMs(left!),
    };
  });
}

/**
 * The number of a job of this user's that was submitted with this comment and waits or runs, or whose task does; null
 * without one. Throws GraftError SLURM_FAILED.
 */
export async function jobWithComment(
  host: SlurmHost,
  comment: string,
  arrayTask: number | null,
): Promise<string | null> {
  const states = '--states=PENDING,CONFIGURING,RUNNING,SUSPENDED';
  const command = ['squeue', '--noheader', '--array', '--me', states, '--format=%F|%K|%k'];
  const { stdout } = await slurm(host, command, 'Slurm did not tell its queue');
  for (const line of stdout.split('\n')) {
    const [jobId, task, ...said] = line.trim().split('|');
    const isTask = (/^\d+$/.test(task ?? '') ? Number(task) : null) === arrayTask;
    if (jobId && isTask && said.join('|') === comment) return jobId;
  }
  return null;
}

export interface JobStatus {
  /** PENDING, RUNNING, COMPLETED, FAILED, TIMEOUT, CANCELLED, NODE_FAIL, PREEMPTED, OUT_OF_MEMORY … */
  state: string;
  /** Why it waits, or ended: NonZeroExitCode, TimeLimit, NodeDown …; `None` where there is nothing to say. */
  reason: string;
  /** Of its first process, and the signal that ended it (0: none). */
  exitCode: number;
  exitSignal: number;
  /** How often Slurm has begun it anew. */
  restarts: number;
}

/**
 * A job, or the task of an array, as long as Slurm remembers it: some minutes after its end (MinJobAge). Null for one
 * that it knows no more. Throws GraftError SLURM_FAILED.
 */
export async function jobOf(host: SlurmHost, jobId: string, arrayTask?: number | null): Promise<JobStatus | null> {
  const command = ['scontrol', 'show', 'job', fullId(jobId, arrayTask)];
  const result = await host.run(inUtc(command), { timeoutMs: 60_000 });
  if (/invalid job id specified|job \S+ not found/i.test(result.stderr + result.stdout)) return null;
  const status = result.code === 0 ? readStatus(result.stdout) : undefined;
  if (!status) throw refused(host, 'scontrol', `Slurm did not tell of job ${fullId(jobId, arrayTask)}`, result);
  return status;
}

/** As programs of Slurm take it: 12, or 12_3 for a task of an array. */
export const fullId = (jobId: string, arrayTask?: number | null): string =>
  arrayTask === undefined || arrayTask === null ? jobId : `${jobId}_${arrayTask}`;

/**
 * The fields stand two spaces from the left below the line with the job's name. The name itself and the paths further
 * down may look like fields, so the first of a kind that begins a line counts.
 */
function readStatus(text: string): JobStatus | undefined {
  const state = /^ +JobState=(\S+) Reason=(.*?) Dependency=/m.exec(text);
  const counts = /^ +Requeue=\d+ Restarts=(\d+) .*ExitCode=(\d+):(\d+)/m.exec(text);
  if (!state || !counts) return undefined;
  return {
    state: state[1]!,
    reason: state[2]!,
    restarts: Number(counts[1]),
    exitCode: Number(counts[2]),
    exitSignal: Number(counts[3]),
  };
}
