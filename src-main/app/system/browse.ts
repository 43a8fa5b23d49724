/** Lists folders for the web host, where the page has no native dialog. It reads names only, never contents. */
import fs from 'node:fs';
import os from 'node:os';
import path from 'node:path';
import { STARTER_DIR } from '../models/starter.ts';

interface BrowseEntry {
  name: string;
  path: string;
  kind: 'folder' | 'file';
  /** A folder that holds a base model (config.json). */
  isModel?: boolean;
}

export interface BrowseResult {
  dir: string;
  /** Null at the top. */
  parent: string | null;
  entries: BrowseEntry[];
  shortcuts: { name: string; path: string }[];
}

/**
 * Hidden names are left out; `kind` folder lists folders only. Throws the file system's error for a folder that cannot
 * be read.
 */
export function browse(input: { dir?: string | undefined; kind: 'folder' | 'file' }): BrowseResult {
  const dir = path.resolve(input.dir || os.homedir());
  const entries = fs
    .readdirSync(dir, { withFileTypes: true })
    .filter((entry) => !entry.name.startsWith('.'))
    .flatMap((entry) => toEntry(dir, entry))
    .filter((entry) => entry.kind === 'folder' || input.kind === 'file')
    .sort((a, b) => (a.kind === b.kind ? a.name.localeCompare(b.name) : a.kind === 'folder' ? -1 : 1));
  const parent = path.dirname(dir);
  return { dir, parent: parent === dir ? null : parent, entries, shortcuts: shortcuts() };
}

function toEntry(dir: string, entry: fs.Dirent): BrowseEntry[] {
  const full = path.join(dir, entry.name);
  // A link counts as what it leads to; one that leads nowhere is left out.
  const target = entry.isSymbolicLink() ? fs.statSync(full, { throwIfNoEntry: false }) : entry;
  if (target?.isFile()) return [{ name: entry.name, path: full, kind: 'file' }];
  if (!target?.isDirectory()) return [];
  return [{ name: entry.name, path: full, kind: 'folder', isModel: fs.existsSync(path.join(full, 'config.json')) }];
}

function shortcuts(): BrowseResult['shortcuts'] {
  const places = [{ name: 'Home', path: os.homedir() }];
  if (fs.existsSync(STARTER_DIR)) places.push({ name: 'Starter', path: STARTER_DIR });
  return places;
}
