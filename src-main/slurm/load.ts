/** How busy a cluster is, and when a job that is sent now would begin. */
import type { SlurmTarget, TargetLoad } from '../../src-shared/remoteTargets.ts';
import { BATCH_SCRIPT } from './batchScript.ts';
import { inUtc, isoTime, slurm, type SlurmHost } from './host.ts';
import { optionArguments } from './submit.ts';

/**
 * Counts everybody's jobs in the partition that the options name (all partitions without one), and lets sbatch say,
 * without submitting, when one with these options and processes would begin. Throws GraftError SLURM_FAILED where
 * Slurm does not answer, or would not take such a job.
 */
export async function load(host: SlurmHost, options: SlurmTarget['options'] = {}, ntasks = 1): Promise<TargetLoad> {
  const where = options.partition === undefined ? [] : [`--partition=${options.partition}`];
  const states = ['squeue', '--noheader', '--array', '--states=PENDING,RUNNING', ...where, '--format=%T'];
  const test = ['sbatch', '--test-only', ...(ntasks > 1 ? [`--ntasks=${ntasks}`] : []), ...optionArguments(options)];
  const { stdout } = await slurm(host, states, 'Slurm did not tell its queue');
  const answer = await slurm(host, inUtc(test), 'Slurm would not take a job', { input: BATCH_SCRIPT });
  const lines = stdout.split('\n').map((line) => line.trim());
  return {
    waiting: lines.filter((line) => line === 'PENDING').length,
    running: lines.filter((line) => line === 'RUNNING').length,
    startsAt: isoTime(/to start at (\S+)/.exec(answer.stderr + answer.stdout)?.[1] ?? ''),
  };
}
