/**
 * Lists folders of strangers, whatever they hold: at most so many names of each, links by what they lead to, and
 * what cannot be read is counted and passed over.
 */
import fs from 'node:fs';
import path from 'node:path';

/** Names read of one folder, and folders read of one place. */
const MOST_NAMES = 10_000;
const MOST_FOLDERS = 5_000;

export interface Entry {
  name: string;
  path: string;
  kind: 'folder' | 'file';
  /** Of a file. */
  sizeBytes: number;
  modifiedMs: number;
}

export class Listing {
  /** Folders that could not be read. */
  unreadable: string[] = [];
  /** Whether something was left out because there was too much of it. */
  cut = false;
  #folders = 0;

  /** What is in `dir`, by name. Links that lead nowhere, devices and the like are left out. */
  entries(dir: string): Entry[] {
    if (++this.#folders > MOST_FOLDERS) {
      this.cut = true;
      return [];
    }
    return this.#names(dir).flatMap((name) => entryAt(dir, name));
  }

  folders(dir: string): Entry[] {
    return this.entries(dir).filter(({ kind }) => kind === 'folder');
  }

  /** Sorted; a folder may hold millions, so they are not read all at once. */
  #names(dir: string): string[] {
    const names: string[] = [];
    let folder: fs.Dir | undefined;
    try {
      folder = fs.opendirSync(dir);
      for (let entry = folder.readSync(); entry; entry = folder.readSync()) {
        if (names.length === MOST_NAMES) {
          this.cut = true;
          break;
        }
        names.push(entry.name);
      }
    } catch (error) {
      if ((error as NodeJS.ErrnoException).code !== 'ENOENT') this.unreadable.push(dir);
    } finally {
      folder?.closeSync();
    }
    return names.sort();
  }
}

function entryAt(dir: string, name: string): Entry[] {
  const full = path.join(dir, name);
  try {
    const stat = fs.statSync(full);
    if (!stat.isDirectory() && !stat.isFile()) return [];
    const kind = stat.isDirectory() ? 'folder' : 'file';
    return [{ name, path: full, kind, sizeBytes: stat.size, modifiedMs: stat.mtimeMs }];
  } catch {
    // A link that leads nowhere or to itself, or a file that is gone by now.
    return [];
  }
}
