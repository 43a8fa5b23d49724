/**
 * What a Graft process does at its start about work that a dead one left in the catalogue. The command line and the
 * app may share a data folder, so work whose owner is alive is left alone.
 */
import type { Catalog } from '../../catalog/catalog.ts';
import type { ExportRecord } from '../../catalog/exports.ts';
import type { Run } from '../../catalog/runs.ts';
import { isAlive } from '../../files/isAlive.ts';
import { removePartials } from '../../files/removePartials.ts';
import { endOfAbandoned } from '../exports/recover.ts';
import { runAbandoned } from './failure.ts';
import { recordJournal } from './recordEvent.ts';
import { targetsOf } from './view.ts';

/**
 * Marks runs that were under way as failed, and ends exports as their folders tell. With `takeQueued` the queued runs
 * that nobody owns any more become this process's, in their order.
 */
export function recoverAbandoned(catalog: Catalog, options: { takeQueued: boolean }): void {
  // Where nothing is to be written, another process may hold the lock.
  if (abandonedRuns(catalog, options).length === 0 && abandonedExports(catalog).length === 0) return;
  const now = new Date().toISOString();
  catalog.transaction(() => {
    for (const run of abandonedRuns(catalog, options)) {
      if (run.status === 'queued') {
        catalog.runs.update(run.id, { ownerPid: process.pid });
        continue;
      }
      targetsOf(run).forEach(removePartials);
      recordJournal(catalog, run);
      catalog.runs.update(run.id, {
        status: 'failed',
        error: runAbandoned(run.id),
        ownerPid: null,
        pid: null,
        endedAt: now,
      });
    }
    for (const record of abandonedExports(catalog)) {
      removePartials(record.outDir);
      const adapter = record.adapterId === null ? undefined : catalog.adapters.get(record.adapterId);
      catalog.exports.end(record.id, endOfAbandoned(record, adapter?.sha256));
    }
  });
}

function abandonedRuns(catalog: Catalog, { takeQueued }: { takeQueued: boolean }): Run[] {
  return catalog.runs.unfinished().filter(({ id, ownerPid, status }) => {
    if (catalog.away.get(id)) return false; // what runs on a target does not end with us
    if (ownerPid !== null && isOther(ownerPid)) return false;
    if (status === 'queued') return takeQueued;
    return status !== 'paused' || ownerPid !== null; // else nobody's, until the user continues or stops it
  });
}

function abandonedExports(catalog: Catalog): ExportRecord[] {
  return catalog.exports.running().filter(({ ownerPid }) => !isOther(ownerPid));
}

/**
 * Whether another Graft process owns it. This one has only just started, so where its id is the owner's, the system has
 * used the id again.
 */
export function isOther(pid: number): boolean {
  return pid !== process.pid && isAlive(pid);
}
