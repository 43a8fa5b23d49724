/** Ending jobs, and beginning them anew. Both give the job's processes TERM, and KILL after Slurm's KillWait (30 s). */
import { slurm, type SlurmHost } from './host.ts';
import { fullId } from './queue.ts';

/** One that is over already is left alone. Without a task the whole array. Throws GraftError SLURM_FAILED. */
export async function cancel(host: SlurmHost, jobId: string, arrayTask?: number | null): Promise<void> {
  const id = fullId(jobId, arrayTask);
  // Without --quiet some versions call it an error that a job is over.
  await slurm(host, ['scancel', '--quiet', id], `Slurm did not cancel job ${id}`);
}

/**
 * It waits again and keeps its number; begun anew it finds SLURM_RESTART_COUNT one higher. Slurm holds it back for as
 * long as the credential of its last start is valid (2 minutes where the cluster names no other time). Throws
 * GraftError SLURM_FAILED, also for a job that is over.
 */
export async function requeue(host: SlurmHost, jobId: string, arrayTask?: number | null): Promise<void> {
  const id = fullId(jobId, arrayTask);
  await slurm(host, ['scontrol', 'requeue', id], `Slurm did not begin job ${id} anew`);
}
