/** A folder that the user has named, and what is below it; llama.cpp's cache, which is a flat one. */
import fs from 'node:fs';
import { checkpointIn, ggufsIn, type Candidate } from './candidate.ts';
import type { Listing } from './listing.ts';

/** Folders below the one that is named: DIR/TOOL/models/OWNER/NAME/snapshots/COMMIT is seven deep. */
const MOST_DEPTH = 7;

export function inFolder(dir: string, listing: Listing): Candidate[] {
  const seen = new Set<string>();
  const walk = (folder: string, name: string, depth: number): Candidate[] => {
    const real = realPath(folder);
    // A link may lead up again, so every folder is entered once.
    if (real === undefined || seen.has(real)) return [];
    seen.add(real);
    const entries = listing.entries(folder);
    const checkpoint = checkpointIn(folder, name, entries);
    if (checkpoint) return [checkpoint];
    const below = depth === 0 ? [] : entries.filter((entry) => entry.kind === 'folder' && !entry.name.startsWith('.'));
    return [
      ...ggufsIn(entries),
      ...below.flatMap((entry) => walk(entry.path, name === '' ? entry.name : `${name}/${entry.name}`, depth - 1)),
    ];
  };
  return walk(dir, '', MOST_DEPTH);
}

function realPath(folder: string): string | undefined {
  try {
    return fs.realpathSync(folder);
  } catch {
    return undefined;
  }
}
