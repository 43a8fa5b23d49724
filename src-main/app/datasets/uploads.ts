/**
 * Copies of files that were dropped on a page, each in a folder of its own below the data folder. They are Graft's, so
 * they go with the dataset that was made of them, unless a run or another dataset names them as well.
 */
import fs from 'node:fs';
import path from 'node:path';
import type { Catalog } from '../../catalog/catalog.ts';
import type { Home } from '../storage/home.ts';

const FOLDER = /^[0-9a-f]{10}$/;

/** Whether it is a copy that Graft made; everything else is the user's own. */
function isUpload(home: Home, file: string): boolean {
  return isUploadFolder(home, path.dirname(file));
}

/** Whether it is the folder of such a copy. */
export function isUploadFolder(home: Home, folder: string): boolean {
  return path.dirname(folder) === path.resolve(home.uploadsDir) && FOLDER.test(path.basename(folder));
}

/** Moves the copies that only a removed dataset names into the trash with it. */
export function trashUploads(home: Home, catalog: Catalog, datasetId: string): void {
  const named = new Set(catalog.storage.dataFiles());
  for (const file of catalog.datasets.filesOf(datasetId)) {
    if (!isUpload(home, file) || named.has(file) || !fs.existsSync(file)) continue;
    const folder = path.dirname(file);
    moveFile(file, path.join(trashOf(home, datasetId), path.basename(folder), path.basename(file)));
    removeEmpty(folder);
  }
}

/** Moves them back to where the dataset looks for them. */
export function restoreUploads(home: Home, datasetId: string): void {
  const trash = trashOf(home, datasetId);
  if (!fs.existsSync(trash)) return;
  for (const folder of fs.readdirSync(trash)) {
    for (const name of fs.readdirSync(path.join(trash, folder)))
      moveFile(path.join(trash, folder, name), path.join(home.uploadsDir, folder, name));
  }
  fs.rmSync(trash, { recursive: true });
  removeEmpty(home.trashDir(datasetId));
}

function trashOf(home: Home, datasetId: string): string {
  return path.join(home.trashDir(datasetId), 'uploads');
}

function moveFile(from: string, to: string): void {
  fs.mkdirSync(path.dirname(to), { recursive: true });
  fs.renameSync(from, to);
}

function removeEmpty(folder: string): void {
  if (fs.readdirSync(folder).length === 0) fs.rmdirSync(folder);
}
