/** Finds out where it runs, trains the job, and says how it ended by the exit code. */
import { execFile } from 'node:child_process';
import path from 'node:path';
import { fullId } from '../../slurm/queue.ts';
import { slurmPlace, type SlurmPlace } from '../../slurm/place.ts';
import { runJob } from './runJob.ts';

const INTERRUPTED = 75;

export async function runWorker(folder: string): Promise<number> {
  const place = await slurmPlace(process.env);
  const jobDir = path.resolve(folder);
  const phase = await runJob(jobDir, place ? { slurm: place, again: () => requeue(place) } : {});
  process.stderr.write(`graft: ${phase}\n`);
  if (phase === 'failed') return 1;
  return phase === 'interrupted' ? INTERRUPTED : 0;
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
