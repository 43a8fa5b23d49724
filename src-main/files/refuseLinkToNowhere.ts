/** A target that is, or lies below, a link to something that is gone: it can be seen before any work is done. */
import fs from 'node:fs';
import path from 'node:path';
import { usageError } from '../../src-shared/errors.ts';

/** Throws a usage error OUTPUT_NOT_A_FOLDER. */
export function refuseLinkToNowhere(target: string): void {
  for (let at = path.resolve(target); ; at = path.dirname(at)) {
    if (isLink(at) && !fs.existsSync(at))
      throw usageError(
        'OUTPUT_NOT_A_FOLDER',
        `${at} is a link to ${fs.readlinkSync(at)}, which does not exist; remove the link or choose another folder.`,
        { outDir: target, link: at },
      );
    if (path.dirname(at) === at) return;
  }
}

/** False for what is not there, or cannot be looked at: who writes there will say why. */
function isLink(target: string): boolean {
  try {
    return fs.lstatSync(target).isSymbolicLink();
  } catch {
    return false;
  }
}
