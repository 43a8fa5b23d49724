/** Where a run is trained that is not trained here, from what the catalogue keeps of it. */
import type { Catalog } from '../../catalog/catalog.ts';
import type { AwayView } from '../../../src-shared/away.ts';

/** Null: it is trained here. */
export function awayViewOf({ away, targets }: Pick<Catalog, 'away' | 'targets'>, runId: string): AwayView | null {
  const run = away.get(runId);
  const target = run && targets.get(run.target);
  if (!target) return null;
  const { phase, slurmJob, arrayTask, note, seenAt } = run;
  return {
    target: target.name,
    kind: target.kind,
    phase,
    slurmJob,
    arrayTask,
    host: null,
    note,
    seenAt,
    startsAt: null,
  };
}
