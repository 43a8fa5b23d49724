/** Where a process finds itself that Slurm has begun: its job, and when its time is over. */
import { execFile } from 'node:child_process';
import { durationMs } from './duration.ts';

export interface SlurmPlace {
  jobId: string;
  arrayTask?: number;
  /** How often Slurm has begun it anew. */
  restarts: number;
  /** When its time limit is reached (Unix time); absent without one. */
  endsAtMs?: number;
}

const LIMIT_MS = 20_000;

/** Undefined outside of Slurm. Where the environment does not tell the end (Slurm before 23), squeue is asked. */
export async function slurmPlace(env: Record<string, string | undefined>): Promise<SlurmPlace | undefined> {
  const own = env.SLURM_JOB_ID;
  if (own === undefined || !/^\d+$/.test(own)) return undefined;
  const endsAtMs = seconds(env.SLURM_JOB_END_TIME) ?? (await endBySqueue(own, env));
  return {
    jobId: env.SLURM_ARRAY_JOB_ID ?? own,
    ...(env.SLURM_ARRAY_TASK_ID === undefined ? {} : { arrayTask: Number(env.SLURM_ARRAY_TASK_ID) }),
    restarts: Number(env.SLURM_RESTART_COUNT ?? 0),
    ...(endsAtMs === undefined ? {} : { endsAtMs }),
  };
}

const seconds = (text: string | undefined): number | undefined =>
  text !== undefined && /^[1-9]\d*$/.test(text) ? 1000 * Number(text) : undefined;

/** The time that is left needs no time zone. A cluster that does not answer costs the early end, not the run. */
function endBySqueue(jobId: string, env: Record<string, string | undefined>): Promise<number | undefined> {
  const args = ['--noheader', `--jobs=${jobId}`, '--format=%L'];
  return new Promise((resolve) => {
    execFile('squeue', args, { env, timeout: LIMIT_MS }, (error, stdout) => {
      const leftMs = error ? null : durationMs(stdout);
      resolve(leftMs === null ? undefined : Date.now() + leftMs);
    });
  });
}
