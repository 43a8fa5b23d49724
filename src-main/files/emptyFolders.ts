/** Folders made on the way to a target, removed again when nothing came of it. */
import fs from 'node:fs';
import path from 'node:path';

/** The topmost folder on the way to `folder` that does not exist yet. */
export function firstMissing(folder: string): string | undefined {
  if (fs.existsSync(folder)) return undefined;
  return firstMissing(path.dirname(folder)) ?? folder;
}

/** Removes `folder` and its parents up to `last` while they are empty: a worker that was ended could not. */
export function removeEmpty(folder: string, last: string): void {
  for (let at = folder; at.startsWith(last); at = path.dirname(at)) {
    try {
      fs.rmdirSync(at);
    } catch {
      return;
    }
  }
}
