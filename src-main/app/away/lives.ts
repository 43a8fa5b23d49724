/** What the target itself knows of its jobs: whether anything still runs them. */
import type { AwayRun } from '../../catalog/away.ts';
import type { RemoteTarget } from '../../../src-shared/remoteTargets.ts';
import type { Machine } from '../../remote/machine.ts';
import { queue, type QueuedJob } from '../../slurm/queue.ts';
import type { AwayRows } from './rows.ts';
import type { Life } from './standing.ts';

/** Asks once for all jobs where that can be done. Throws what the machine throws. */
export async function livesOn(
  machine: Machine,
  { kind }: Pick<RemoteTarget, 'kind'>,
  rows: AwayRows,
): Promise<(away: AwayRun) => Promise<Life>> {
  if (kind === 'ssh')
    return async ({ pid }) => (pid === null ? 'waits' : (await machine.isAlive(pid)) ? 'runs' : 'gone');
  const jobs = await queue(machine);
  return (away) => {
    const job = jobs.find(({ jobId, arrayTask }) => jobId === away.slurmJob && arrayTask === away.arrayTask);
    rows.store.heard.expectedStart(away.runId, job && isPending(job) ? job.startsAt : null);
    if (job && isPending(job)) rows.note(away.runId, whyItWaits(job.reason));
    return Promise.resolve(!job ? 'gone' : isPending(job) ? 'waits' : 'runs');
  };
}

/** Not begun, or to be begun anew. */
function isPending({ state }: QueuedJob): boolean {
  return ['PENDING', 'REQUEUED', 'REQUEUE_HOLD', 'CONFIGURING', 'SPECIAL_EXIT'].includes(state);
}

/** The commonest of Slurm's reasons in words. */
function whyItWaits(reason: string): string {
  switch (reason) {
    case 'Resources':
      return 'Slurm: no node is free for it yet.';
    case 'Priority':
      return 'Slurm: other jobs are ahead of it.';
    case 'BeginTime':
      return 'Slurm: it begins again in a moment.';
    case 'JobArrayTaskLimit':
      return 'Slurm: as many runs of its study as may run at a time are under way.';
    case 'PartitionDown':
    case 'PartitionInactive':
      return 'Slurm: its partition takes no jobs now.';
    default:
      return `Slurm: ${reason}`;
  }
}
