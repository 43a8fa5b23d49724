/** One process at a time fetches a repository: two would write into the same parts. */
import fs from 'node:fs';
import path from 'node:path';
import { GraftError } from '../../src-shared/errors.ts';
import { readForeignText } from '../files/foreignFile.ts';
import { isAlive } from '../files/isAlive.ts';
import { makeFolders } from '../files/makeFolders.ts';

const NAME = 'graft.lock';
/** Held by this process: a lock with its id that is not here was left by a dead one that had the same id. */
const held = new Set<string>();

/** Returns the function that gives the lock back. Throws HUB_BUSY while a living process holds it. */
export function lockRepository(dir: string): () => void {
  const file = path.join(dir, NAME);
  makeFolders(dir);
  if (!taken(file)) {
    const owner = ownerOf(file);
    if (owner !== undefined && (owner === process.pid ? held.has(file) : isAlive(owner)))
      throw new GraftError(
        'HUB_BUSY',
        `${dir} is being fetched already${owner === process.pid ? '' : `, by the Graft process ${owner}`}; wait for ` +
          'it, or cancel it there.',
        { pid: owner, dir },
      );
    fs.rmSync(file, { force: true });
    if (!taken(file))
      throw new GraftError('HUB_BUSY', `Another process has just begun to fetch into ${dir}; wait for it.`, { dir });
  }
  held.add(file);
  return () => {
    held.delete(file);
    fs.rmSync(file, { force: true });
  };
}

function taken(file: string): boolean {
  try {
    fs.writeFileSync(file, String(process.pid), { flag: 'wx' });
    return true;
  } catch (error) {
    if (Reflect.get(Object(error), 'code') === 'EEXIST') return false;
    throw error;
  }
}

function ownerOf(file: string): number | undefined {
  try {
    const pid = Number(readForeignText(file, 64));
    return Number.isSafeInteger(pid) && pid > 0 ? pid : undefined;
  } catch {
    return undefined;
  }
}
