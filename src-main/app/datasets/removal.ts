/**
 * Removing a dataset and bringing it back: the user's file is left alone, what Graft wrote or copied for it moves to
 * the trash.
 */
import fs from 'node:fs';
import path from 'node:path';
import { z } from 'zod';
import { usageError } from '../../../src-shared/errors.ts';
import { restoreUploads, trashUploads } from './uploads.ts';
import type { Services } from '../services.ts';
import { procedure } from '../../api/trpc.ts';

const byId = z.object({ id: z.string() });

export function removalProcedures({ catalog, home }: Services) {
  const notFound = (id: string) =>
    usageError('DATASET_NOT_FOUND', `There is no dataset ${id} in the catalogue.`, { datasetId: id });
  return {
    /** Forgets a dataset; the user's file is left alone. `bringBack` undoes it. */
    remove: procedure.input(byId).mutation(({ input: { id } }) => {
      if (!catalog.datasets.remove(id, new Date().toISOString())) throw notFound(id);
      move(home.datasetDir(id), home.trashDir(id));
      trashUploads(home, catalog, id);
      return { removed: id };
    }),

    bringBack: procedure.input(byId).mutation(({ input: { id } }) => {
      restoreUploads(home, id);
      move(home.trashDir(id), home.datasetDir(id));
      if (!catalog.datasets.bringBack(id)) throw notFound(id);
      return catalog.datasets.get(id)!;
    }),
  };
}

function move(from: string, to: string): void {
  if (!fs.existsSync(from)) return;
  fs.mkdirSync(path.dirname(to), { recursive: true });
  fs.renameSync(from, to);
}
