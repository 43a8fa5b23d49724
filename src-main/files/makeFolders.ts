/** `mkdir -p` that ends: Node's own goes round for ever where a file system such as /proc takes no folder (ENOENT). */
import fs from 'node:fs';
import path from 'node:path';

/** The topmost folder that was made; undefined where all were there. Throws the file system's error. */
export function makeFolders(dir: string, mode = 0o777): string | undefined {
  const target = path.resolve(dir);
  if (isFolder(target)) return undefined;
  const parent = path.dirname(target);
  const made = parent === target ? undefined : makeFolders(parent, mode);
  try {
    fs.mkdirSync(target, { mode });
  } catch (error) {
    // Another process may have been faster.
    if (isFolder(target)) return made;
    throw error;
  }
  return made ?? target;
}

/** False also for a link to nowhere or a way that is barred, where `mkdir` then says why. */
function isFolder(target: string): boolean {
  try {
    return fs.statSync(target).isDirectory();
  } catch {
    return false;
  }
}
