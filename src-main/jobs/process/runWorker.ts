/** Finds out where it runs, trains the job, and says how it ended by the exit code. */
import { execFile } from 'node:child_process';
import path from 'node:path';
import { joinRanks } from '../../mpi/join.ts';
import { fullId } from '../../slurm/queue.ts';
import { slurmPlace, type SlurmPlace } from '../../slurm/place.ts';
import { leaveRanks } from '../../worker/train/team.ts';
import { runJob } from './runJob.ts';

const INTERRUPTED = 75;

export async function runWorker(folder: string): Promise<number> {
  // Before anything is loaded: MPI starts threads and takes memory of its own.
  const ranks = await joinRanks();
  try {
    const place = await slurmPlace(process.env);
    const around = place ? { slurm: place, again: () => requeue(place) } : {};
    const phase = await runJob(path.resolve(folder), { ...around, ranks });
    if (ranks) leaveRanks(ranks);
    if (!ranks?.rank) process.stderr.write(`graft: ${phase}\n`);
    if (phase === 'failed') return 1;
    // mpirun would take any other code for a failure, and say so at length.
    return phase === 'interrupted' && !ranks ? INTERRUPTED : 0;
  } catch (error) {
    if (ranks) leaveRanks(ranks, error);
    throw error;
  }
}

/** Has Slurm begin this job anew, which ends this process. Where it does not, whoever follows the job begins it. */
function requeue({ jobId, arrayTask }: SlurmPlace): Promise<void> {
  return new Promise((resolve) => {
    execFile('scontrol', ['requeue', fullId(jobId, arrayTask)], (error) => {
      if (error) process.stderr.write(`graft: Slurm does not begin the job anew: ${error.message}\n`);
      resolve();
    });
  });
}
