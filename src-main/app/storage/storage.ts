/** What lies in the data folder by kind, and what of it can go without a loss. */
import fs from 'node:fs/promises';
import path from 'node:path';
import type { Catalog } from '../../catalog/catalog.ts';
import { nameBehindTemporary } from '../../files/writeWhole.ts';
import type { Home } from './home.ts';
import { packedCacheDir } from '../../loading/packedCache.ts';
import { tokenCacheDir } from '../../datasets/tokens/tokenCache.ts';
import { tuningFile } from '../../files/tuningFile.ts';
import { forgetTrash } from '../adapters/trash.ts';
import { removeForgotten } from '../lab/kept.ts';
import { folderSize, sizeOfAll, type FolderSize } from '../../files/folderSize.ts';
import { freeBytesAt } from '../../files/freeSpace.ts';
import { isUploadFolder } from '../datasets/uploads.ts';

const STORAGE_KINDS = [
  'runs',
  'adapters',
  'trash',
  'models',
  'datasets',
  'exports',
  'lab',
  'catalogue',
  'backups',
  'reports',
  'other',
  'exportsElsewhere',
  'packed',
  'tokens',
  'cache',
] as const;
export type StorageKind = (typeof STORAGE_KINDS)[number];

export const CLEANUP_KINDS = ['checkpoints', 'trash', 'leftovers', 'lab', 'packed', 'tokens', 'cache'] as const;
export type CleanUpKind = (typeof CLEANUP_KINDS)[number];

interface StorageUse extends FolderSize {
  kind: StorageKind;
  paths: string[];
}

export interface CleanUp extends FolderSize {
  kind: CleanUpKind;
  /** Folders or files that go. */
  items: number;
}

export interface StorageReport {
  home: string;
  /** Of the data folder; not what lies elsewhere. */
  totalBytes: number;
  /** On its disk; null where the system does not say. */
  freeBytes: number | null;
  uses: StorageUse[];
  cleanUps: CleanUp[];
}

/** Folders of the data folder by the kind they are shown as. */
const FOLDERS: Record<string, StorageKind> = {
  runs: 'runs',
  adapters: 'adapters',
  trash: 'trash',
  models: 'models',
  datasets: 'datasets',
  exports: 'exports',
  lab: 'lab',
  backups: 'backups',
  reports: 'reports',
};
const OUTSIDE: StorageKind[] = ['exportsElsewhere', 'packed', 'tokens', 'cache'];

/** Nothing so young is taken for left over: its row may be about to be written. */
const YOUNG_MS = 5 * 60_000;
/** So long a dropped file may wait on an open page until it is added as a dataset. */
const WAITING_MS = 24 * 3_600_000;

export class StorageService {
  #home: Home;
  #catalog: Catalog;

  constructor(home: Home, catalog: Catalog) {
    this.#home = home;
    this.#catalog = catalog;
  }

  async report(): Promise<StorageReport> {
    const byKind = new Map<StorageKind, string[]>(STORAGE_KINDS.map((kind) => [kind, []]));
    for (const name of await fs.readdir(this.#home.dir))
      byKind.get(kindOf(name))!.push(path.join(this.#home.dir, name));
    byKind.set(
      'exportsElsewhere',
      this.#catalog.storage.exportDirs().filter((dir) => !isWithin(this.#home.dir, dir)),
    );
    byKind.set('packed', [packedCacheDir()]);
    byKind.set('tokens', [tokenCacheDir()]);
    byKind.set('cache', [tuningFile()]);
    const uses: StorageUse[] = [];
    for (const [kind, paths] of byKind) uses.push({ kind, paths, ...(await sizeOfAll(paths)) });
    const cleanUps: CleanUp[] = [];
    for (const kind of CLEANUP_KINDS) {
      const paths = await this.#removable(kind);
      cleanUps.push({ kind, items: paths.length, ...(await sizeOfAll(paths)) });
    }
    const totalBytes = uses
      .filter(({ kind }) => !OUTSIDE.includes(kind))
      .reduce((sum, { sizeBytes }) => sum + sizeBytes, 0);
    return { home: this.#home.dir, totalBytes, freeBytes: freeBytesAt(this.#home.dir), uses, cleanUps };
  }

  /** Removes what is removable now. Throws the file system's error at the first that cannot go. */
  async cleanUp(kind: CleanUpKind): Promise<{ freedBytes: number; items: number }> {
    const paths = await this.#removable(kind);
    if (kind === 'trash') forgetTrash(this.#catalog);
    let freedBytes = 0;
    for (const target of paths) {
      const { sizeBytes } = await folderSize(target);
      await fs.rm(target, { recursive: true, force: true });
      freedBytes += sizeBytes;
    }
    if (kind === 'trash') await removeForgotten(this.#home, this.#catalog);
    return { freedBytes, items: paths.length };
  }

  #removable(kind: CleanUpKind): Promise<string[]> {
    switch (kind) {
      case 'checkpoints':
        return this.#runStates();
      case 'trash':
        return entriesOf(path.join(this.#home.dir, 'trash'));
      case 'leftovers':
        return this.#leftovers();
      case 'lab':
        return entriesOf(this.#home.labDir);
      case 'packed':
        return entriesOf(packedCacheDir());
      case 'tokens':
        return entriesOf(tokenCacheDir());
      case 'cache':
        return existing([tuningFile()]);
      default:
        return kind satisfies never;
    }
  }

  /** What the runs that ended well keep in their folders. */
  async #runStates(): Promise<string[]> {
    const folders = await Promise.all(
      this.#catalog.storage.finishedRunIds().map((id) => entriesOf(this.#home.runDir(id))),
    );
    return folders.flat();
  }

  /**
   * Folders and dropped files that no row names and half-written files of processes that died, unless something under
   * way made them.
   */
  async #leftovers(): Promise<string[]> {
    const { storage } = this.#catalog;
    const named = new Set(
      [
        ...storage.adapterDirs(),
        ...storage.modelDirs(),
        ...storage.runIds().map((id) => this.#home.runDir(id)),
        ...storage.expectedDirs(),
      ].map((dir) => path.resolve(dir)),
    );
    const found: string[] = [];
    for (const parent of ['runs', 'adapters', 'models']) {
      for (const target of await entriesOf(path.join(this.#home.dir, parent))) {
        const made = targetOfPartial(target);
        if (!named.has(made ?? target)) found.push(target);
      }
    }
    for (const target of await entriesOf(this.#home.exportsDir)) {
      const made = targetOfPartial(target);
      if (made && !named.has(made)) found.push(target);
    }
    const old = await Promise.all(found.map((target) => isOlder(target, YOUNG_MS)));
    return [...found.filter((_, i) => old[i]), ...(await this.#forgottenUploads())];
  }

  /** Dropped files that became no dataset, or whose dataset and runs were removed. */
  async #forgottenUploads(): Promise<string[]> {
    const named = new Set(this.#catalog.storage.dataFiles());
    const forgotten: string[] = [];
    for (const folder of await entriesOf(this.#home.uploadsDir)) {
      const files = await entriesOf(folder);
      if (!isUploadFolder(this.#home, folder) || files.some((file) => named.has(file))) continue;
      const old = await Promise.all([folder, ...files].map((target) => isOlder(target, WAITING_MS)));
      if (old.every(Boolean)) forgotten.push(folder);
    }
    return forgotten;
  }
}

/** What a temporary name of writeWhole.ts stands for; undefined for any other name. */
function targetOfPartial(file: string): string | undefined {
  const name = nameBehindTemporary(path.basename(file));
  return name === undefined ? undefined : path.join(path.dirname(file), name);
}

function kindOf(name: string): StorageKind {
  return FOLDERS[name] ?? (name.startsWith('graft.db') ? 'catalogue' : 'other');
}

function isWithin(folder: string, target: string): boolean {
  const relative = path.relative(folder, target);
  return relative.split(path.sep)[0] !== '..' && !path.isAbsolute(relative);
}

async function entriesOf(folder: string): Promise<string[]> {
  return (await fs.readdir(folder).catch(() => [])).map((name) => path.join(folder, name));
}

async function existing(files: string[]): Promise<string[]> {
  const stats = await Promise.all(files.map((file) => fs.lstat(file).catch(() => undefined)));
  return files.filter((_, i) => stats[i]);
}

async function isOlder(target: string, ms: number): Promise<boolean> {
  const stat = await fs.lstat(target).catch(() => undefined);
  return stat !== undefined && Date.now() - stat.mtimeMs > ms;
}
