/** What the user puts on runs to find them again: tags, notes, and whether they are on the list. */
import type { z } from 'zod';
import type { Catalog } from '../../catalog/catalog.ts';
import type { annotateSchema, archiveSchema } from './input.ts';
import type { RunStore } from './store.ts';
import { assertOver, type RunView } from './view.ts';

/** Sets tags and notes; what is absent stays. */
export function annotateRun(store: RunStore, { id, tags, notes }: z.output<typeof annotateSchema>): RunView {
  store.require(id);
  return store.update(id, {
    ...(tags === undefined ? {} : { tags: [...new Set(tags)] }),
    ...(notes === undefined ? {} : { notes }),
  });
}

/** Puts runs that are over away from the list, or back onto it. Throws a usage error RUN_NOT_OVER; then none is. */
export function archiveRuns(
  store: RunStore,
  catalog: Catalog,
  { ids, archived }: z.output<typeof archiveSchema>,
): RunView[] {
  const runs = ids.map((id) => store.require(id));
  if (archived) for (const run of runs) assertOver(run, 'archive');
  const archivedAt = archived ? new Date().toISOString() : null;
  catalog.transaction(() => {
    for (const id of ids) catalog.runs.update(id, { archivedAt });
  });
  return ids.map((id) => store.announce(id));
}
