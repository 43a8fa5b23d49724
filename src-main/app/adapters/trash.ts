/**
 * Moves between an adapter's place and the trash: deleting moves the folder to `trash/` and marks the row, restoring
 * does the reverse. The folder moves by one rename; a crash between rename and row is mended at the next start.
 */
import fs from 'node:fs';
import type { Adapter, TrashedAdapter } from '../../catalog/adapters.ts';
import type { Catalog } from '../../catalog/catalog.ts';
import { GraftError } from '../../../src-shared/errors.ts';
import type { Home } from '../storage/home.ts';

/**
 * Moves an adapter to the trash; a task that has it active has none afterwards. Throws ADAPTER_BUSY while its base is
 * being merged with it.
 */
export function trashAdapter(home: Home, catalog: Catalog, adapter: Adapter): void {
  const busy = catalog.exports.running().find((record) => record.adapterDir === adapter.dir);
  if (busy)
    throw new GraftError(
      'ADAPTER_BUSY',
      `The adapter ${adapter.name} is being exported to ${busy.outDir}; delete it when the export has ended.`,
      { adapterId: adapter.id },
    );
  const task = catalog.tasks.get(adapter.taskId)!;
  const wasActive = task.activeAdapterId === adapter.id;
  const dir = home.trashDir(adapter.id);
  move(adapter.dir, dir, () =>
    catalog.transaction(() => {
      catalog.adapters.markTrashed(adapter.id, { dir, deletedAt: new Date().toISOString(), wasActive });
      if (wasActive) catalog.tasks.setActive(task.id, null);
    }),
  );
}

/** Takes an adapter out of the trash; it is the active one again if it was and no other has become so since. */
export function restoreAdapter(home: Home, catalog: Catalog, adapter: TrashedAdapter): void {
  const dir = home.adapterDir(adapter.id);
  move(adapter.dir, dir, () =>
    catalog.transaction(() => {
      const task = catalog.tasks.revive(adapter.taskId);
      catalog.adapters.markRestored(adapter.id, dir);
      if (task.id !== adapter.taskId) catalog.adapters.update(adapter.id, { taskId: task.id });
      if (adapter.wasActive && task.activeAdapterId === null) catalog.tasks.setActive(task.id, adapter.id);
      catalog.tasks.dropEmpty();
    }),
  );
}

/** Deletes an adapter for good: the row first, so that no row ever points at nothing. */
export function purgeAdapter(catalog: Catalog, { id, dir }: Pick<Adapter, 'id' | 'dir'>): void {
  catalog.transaction(() => {
    catalog.adapters.remove(id);
    catalog.tasks.dropEmpty();
  });
  fs.rmSync(dir, { recursive: true, force: true });
}

/** Forgets every adapter in the trash, before their folders are removed. */
export function forgetTrash(catalog: Catalog): void {
  catalog.transaction(() => {
    for (const { id } of catalog.adapters.trash()) catalog.adapters.remove(id);
    catalog.tasks.dropEmpty();
  });
}

/** Moves back what a crash left between rename and row: the row says where the folder belongs. */
export function mendTrash(home: Home, catalog: Catalog): void {
  for (const { id, dir } of [...catalog.adapters.list(), ...catalog.adapters.trash()]) {
    const other = [home.adapterDir(id), home.trashDir(id)].find((place) => place !== dir && fs.existsSync(place));
    if (other !== undefined && !fs.existsSync(dir)) fs.renameSync(other, dir);
  }
}

/** A folder that is gone does not keep its row from moving: what is in the trash can then be deleted for good. */
function move(from: string, to: string, record: () => void): void {
  const there = fs.existsSync(from);
  if (there) fs.renameSync(from, to);
  try {
    record();
  } catch (error) {
    if (there) fs.renameSync(to, from);
    throw error;
  }
}
