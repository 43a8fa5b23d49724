/**
 * Puts a backup in the place of the catalogue. That can only be done while no Graft has it open, so the page leaves a
 * wish, which the next start grants before it opens anything.
 */
import fs from 'node:fs';
import path from 'node:path';
import { checkCopy, settle } from '../../catalog/copy.ts';
import { syncFolder, temporaryNameFor, writeFileAtomic } from '../../files/writeWhole.ts';
import { GraftError, toErrorData, usageError } from '../../../src-shared/errors.ts';
import type { Home } from '../storage/home.ts';
import { backupName, listBackups, pruneBackups } from './files.ts';
import { nameWhole } from './make.ts';

type Places = Pick<Home, 'catalogFile' | 'backupsDir'>;

const WISH = 'restore-at-start.txt';

/** The next start restores this backup; null takes the wish back. Throws a usage error BACKUP_NOT_FOUND. */
export function wishRestore({ backupsDir }: Places, name: string | null): void {
  const wish = path.join(backupsDir, WISH);
  if (name === null) return fs.rmSync(wish, { force: true });
  checkCopyOf(backupsDir, name);
  writeFileAtomic(wish, name);
}

/** The backup that the next start restores; null: none. */
export function wishedRestore({ backupsDir }: Places): string | null {
  try {
    const name = fs.readFileSync(path.join(backupsDir, WISH), 'utf8').trim();
    return listBackups(backupsDir).some((backup) => backup.name === name) ? name : null;
  } catch {
    return null; // there is no wish
  }
}

/**
 * Grants a wish, where there is one; what could not be done is a sentence for the terminal. The wish stays only where
 * another Graft has the catalogue open.
 */
export function grantWish(places: Places): string | null {
  const name = wishedRestore(places);
  if (name === null) return null;
  try {
    restore(places, name);
    wishRestore(places, null);
    return `The catalogue was restored from the backup ${name}.`;
  } catch (error) {
    const { code, message } = toErrorData(error);
    if (code !== 'CATALOG_IN_USE') wishRestore(places, null);
    return `The backup ${name} was not restored: ${message}`;
  }
}

/**
 * The present catalogue is kept beside the other backups, and its name is returned. Throws a usage error
 * BACKUP_NOT_FOUND, and GraftError BACKUP_DAMAGED, CATALOG_TOO_NEW or CATALOG_IN_USE, with nothing changed.
 */
export function restore({ catalogFile, backupsDir }: Places, name: string, now = new Date()): string {
  const source = checkCopyOf(backupsDir, name);
  const temporary = temporaryNameFor(catalogFile);
  try {
    fs.copyFileSync(source, temporary);
    const state = fs.existsSync(catalogFile) ? settle(catalogFile) : 'settled';
    if (state === 'in use')
      throw new GraftError(
        'CATALOG_IN_USE',
        `The catalogue ${catalogFile} is open in another Graft; close that first, then restore again.`,
        { file: catalogFile },
      );
    const kept = backupName('before a restore', now);
    keep(catalogFile, path.join(backupsDir, kept));
    nameWhole(temporary, catalogFile);
    pruneBackups(backupsDir);
    return kept;
  } finally {
    fs.rmSync(temporary, { force: true });
  }
}

function checkCopyOf(backupsDir: string, name: string): string {
  if (!listBackups(backupsDir).some((backup) => backup.name === name))
    throw usageError('BACKUP_NOT_FOUND', `There is no backup ${name} in ${backupsDir}; choose one of those listed.`, {
      name,
    });
  const file = path.join(backupsDir, name);
  checkCopy(file);
  return file;
}

/** A log that could not be brought into a damaged file is kept with it: SQLite would apply it to the restored one. */
function keep(catalogFile: string, target: string): void {
  for (const suffix of ['-wal', '-shm'])
    if (fs.existsSync(catalogFile + suffix)) fs.renameSync(catalogFile + suffix, target + suffix);
  if (fs.existsSync(catalogFile)) fs.linkSync(catalogFile, target);
  syncFolder(path.dirname(target));
}
