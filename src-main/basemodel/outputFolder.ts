/** Rules for a folder that an export creates: new or empty, outside the base, and gone again when anything fails. */
import fs from 'node:fs';
import path from 'node:path';
import { usageError } from '../../src-shared/errors.ts';
import { makeFolders } from '../files/makeFolders.ts';
import { realPath } from '../files/realPath.ts';
import { refuseLinkToNowhere } from '../files/refuseLinkToNowhere.ts';
import { writeFolderAtomic } from '../files/writeWhole.ts';
import { systemErrorAbout } from '../files/systemError.ts';

/**
 * Runs `fill` on a temporary folder that becomes `outDir` in one step. When anything fails, neither `outDir` nor any
 * parent folder that was made for it remains.
 * Throws GraftError OUTPUT_INSIDE_MODEL, OUTPUT_NOT_EMPTY, OUTPUT_NOT_A_FOLDER, or DISK_FULL, NOT_ALLOWED, NOT_A_FOLDER
 * about `outDir`.
 */
export async function writeOutputFolder<T>(
  outDir: string,
  baseDir: string,
  fill: (dir: string) => Promise<T>,
): Promise<T> {
  const target = path.resolve(outDir);
  refuseInside(target, baseDir);
  refuseOccupied(target);
  const parent = path.dirname(target);
  let firstMade: string | undefined;
  try {
    firstMade = makeFolders(parent);
    return await writeFolderAtomic(target, fill, { replace: true });
  } catch (error) {
    if (firstMade !== undefined) removeEmptyFolders(parent, firstMade);
    throw systemErrorAbout(error, target);
  }
}

/** Throws OUTPUT_INSIDE_MODEL. */
export function refuseInside(target: string, baseDir: string): void {
  const relative = path.relative(realPath(baseDir), realPath(target));
  if (relative !== '' && (relative.split(path.sep)[0] === '..' || path.isAbsolute(relative))) return;
  throw usageError(
    'OUTPUT_INSIDE_MODEL',
    `${target} is the folder of the model that is read (${baseDir}) or lies inside it; choose a folder elsewhere.`,
    { outDir: target, baseDir },
  );
}

function refuseOccupied(target: string): void {
  refuseLinkToNowhere(target);
  const stat = fs.statSync(target, { throwIfNoEntry: false });
  if (!stat) return refuseBelowFile(target);
  if (!stat.isDirectory())
    throw usageError('OUTPUT_NOT_A_FOLDER', `${target} is a file; choose a new or empty folder.`, { outDir: target });
  if (fs.readdirSync(target).length > 0)
    throw usageError('OUTPUT_NOT_EMPTY', `${target} is not empty; choose a new or empty folder.`, { outDir: target });
}

function refuseBelowFile(target: string): void {
  const ancestor = nearestExisting(path.dirname(target));
  if (!fs.statSync(ancestor).isDirectory())
    throw usageError(
      'OUTPUT_NOT_A_FOLDER',
      `${target} lies below ${ancestor}, which is a file; choose another folder.`,
      { outDir: target, file: ancestor },
    );
}

function nearestExisting(folder: string): string {
  return fs.existsSync(folder) || path.dirname(folder) === folder ? folder : nearestExisting(path.dirname(folder));
}

/** Removes `folder` and its parents up to `last`, stopping at the first that someone else has put something into. */
function removeEmptyFolders(folder: string, last: string): void {
  for (let at = folder; at.startsWith(last); at = path.dirname(at)) {
    try {
      fs.rmdirSync(at);
    } catch {
      return;
    }
  }
}
