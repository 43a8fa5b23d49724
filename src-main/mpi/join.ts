/** Whether this process is one of several that train a run together. */
import { openRanks } from './bindings.ts';
import { mpiStart } from './library.ts';
import type { Ranks } from './ranks.ts';

/**
 * The others and this one; null where it is alone: not started by mpirun, or as the only process. To be called once,
 * before anything is loaded; then `leaveRanks` ends it. Throws MPI_NOT_FOUND, MPI_FAILED.
 */
export async function joinRanks(env: NodeJS.ProcessEnv = process.env): Promise<Ranks | null> {
  const start = mpiStart(env);
  if (!start || start.size === 1) return null;
  const ranks = await openRanks(start);
  if (ranks.size > 1) return ranks;
  ranks.finish();
  return null;
}
