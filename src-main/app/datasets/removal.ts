/** Moving what Graft wrote or copied for a dataset to the trash and back; the user's own file is left alone. */
import fs from 'node:fs';
import path from 'node:path';
import type { Catalog } from '../../catalog/catalog.ts';
import type { Home } from '../storage/home.ts';
import { restoreUploads, trashUploads } from './uploads.ts';

/** For a dataset that the catalogue has just forgotten. */
export function trashFiles(home: Home, catalog: Catalog, id: string): void {
  move(home.datasetDir(id), home.trashDir(id));
  trashUploads(home, catalog, id);
}

export function restoreFiles(home: Home, id: string): void {
  restoreUploads(home, id);
  move(home.trashDir(id), home.datasetDir(id));
}

function move(from: string, to: string): void {
  if (!fs.existsSync(from)) return;
  fs.mkdirSync(path.dirname(to), { recursive: true });
  fs.renameSync(from, to);
}
