/** One process at a time fetches a repository: two would write into the same parts. */
import fs from 'node:fs';
import path from 'node:path';
import { GraftError } from '../../src-shared/errors.ts';
import { readForeignText } from '../files/foreignFile.ts';
import { makeFolders } from '../files/makeFolders.ts';

const NAME = 'graft.lock';

/** Returns the function that gives the lock back. Throws HUB_BUSY while a living process holds it. */
export function lockRepository(dir: string): () => void {
  const file = path.join(dir, NAME);
  makeFolders(dir);
  if (!taken(file)) {
    const owner = ownerOf(file);
    if (owner !== undefined && isAlive(owner))
      throw new GraftError(
        'HUB_BUSY',
        `The process ${owner} is fetching this repository into ${dir} already; wait for it, or end it.`,
        { pid: owner, dir },
      );
    fs.rmSync(file, { force: true });
    if (!taken(file))
      throw new GraftError('HUB_BUSY', `Another process has just begun to fetch into ${dir}; wait for it.`, { dir });
  }
  return () => fs.rmSync(file, { force: true });
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

function isAlive(pid: number): boolean {
  try {
    process.kill(pid, 0);
    return true;
  } catch (error) {
    return Reflect.get(Object(error), 'code') === 'EPERM';
  }
}
