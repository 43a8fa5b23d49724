/** Where an adapter that the lab makes goes: into a folder of the user's choice, or into the catalogue. */
import fs from 'node:fs';
import path from 'node:path';
import type { Adapter } from '../../catalog/adapters.ts';
import type { Catalog } from '../../catalog/catalog.ts';
import { temporaryNameFor } from '../../files/writeWhole.ts';
import { importAdapter } from '../adapters/import.ts';
import { assertNewFolder } from '../exports/plan.ts';
import type { Home } from '../storage/home.ts';
import type { LabPlace } from './inputs.ts';

export interface Made<T> {
  /** Null where it lies in a folder of the user's. */
  adapterId: string | null;
  outDir: string;
  result: T;
}

/**
 * Runs `write` with the new folder. `first`: the adapter whose base it belongs to; `said`: what it was made of. Throws
 * FOLDER_EXISTS, OUTPUT_INSIDE_HOME, and as writing and importing do.
 */
export async function makeAdapter<T>(
  { home, catalog }: { home: Home; catalog: Catalog },
  place: LabPlace,
  { first, said }: { first: Adapter; said: string },
  write: (outDir: string) => Promise<T>,
): Promise<Made<T>> {
  if ('outDir' in place) {
    const outDir = path.resolve(place.outDir);
    assertNewFolder(outDir, home.dir);
    return { adapterId: null, outDir, result: await write(outDir) };
  }
  const waiting = temporaryNameFor(path.join(home.labDir, 'made'));
  try {
    const result = await write(waiting);
    const request = { dir: waiting, ...place, ...(first.modelId === null ? {} : { modelId: first.modelId }) };
    const { id, dir } = await importAdapter(home, catalog, request, `the lab: ${said}`);
    return { adapterId: id, outDir: dir, result };
  } finally {
    fs.rmSync(waiting, { recursive: true, force: true });
  }
}
