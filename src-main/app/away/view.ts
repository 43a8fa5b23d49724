/** Where a run is trained, as callers see it. */
import type { Catalog } from '../../catalog/catalog.ts';
import type { AwayView } from '../../../src-shared/away.ts';

/** Null for a run that is trained here. `heard`: what no row says. */
export function awayViewOf(
  { away, targets }: Pick<Catalog, 'away' | 'targets'>,
  runId: string,
  heard: Pick<AwayView, 'host' | 'startsAt' | 'isCutOff'> = { host: null, startsAt: null, isCutOff: false },
): AwayView | null {
  const row = away.get(runId);
  const kind = row && targets.get(row.target)?.kind;
  if (!kind) return null;
  const { target, phase, slurmJob, arrayTask, note, seenAt } = row;
  return {
    target,
    kind,
    phase,
    slurmJob,
    arrayTask,
    note,
    seenAt,
    ...heard,
    isCutOff: note !== null && heard.isCutOff,
  };
}
