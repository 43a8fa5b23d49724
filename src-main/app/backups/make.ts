/** Makes a backup: a copy in a temporary folder, checked by SQLite, flushed to the disk and only then named. */
import fs from 'node:fs';
import path from 'node:path';
import { checkCopy, copyCatalog, copyCatalogNow } from '../../catalog/copy.ts';
import type { Catalog } from '../../catalog/catalog.ts';
import { makeFolders } from '../../files/makeFolders.ts';
import { syncFolder, temporaryNameFor } from '../../files/writeWhole.ts';
import { GraftError, toErrorData } from '../../../src-shared/errors.ts';
import { backupName, pruneBackups, type BackupKind } from './files.ts';

type Database = Catalog['db'];

/** While Graft goes on. Throws GraftError BACKUP_FAILED or BACKUP_DAMAGED; nothing half-made is left. */
export async function makeBackup(
  db: Database,
  dir: string,
  { kind = 'daily' as BackupKind, now = new Date(), onPages = (_left: number): void => undefined } = {},
): Promise<string> {
  const target = path.join(dir, backupName(kind, now));
  const workshop = temporaryNameFor(target);
  try {
    await copyCatalog(db, startIn(workshop), onPages);
    return finish(workshop, target);
  } catch (error) {
    throw failed(dir, error);
  } finally {
    fs.rmSync(workshop, { recursive: true, force: true });
  }
}

/** Before a migration, which waits for it. Throws as `makeBackup`. */
export function makeBackupNow(db: Database, dir: string, now = new Date()): string {
  const target = path.join(dir, backupName('before an upgrade', now));
  const workshop = temporaryNameFor(target);
  try {
    copyCatalogNow(db, startIn(workshop));
    return finish(workshop, target);
  } catch (error) {
    throw failed(dir, error);
  } finally {
    fs.rmSync(workshop, { recursive: true, force: true });
  }
}

/** A folder, since SQLite keeps a journal beside what it writes. */
function startIn(workshop: string): string {
  makeFolders(workshop, 0o700);
  return copyIn(workshop);
}

function copyIn(workshop: string): string {
  return path.join(workshop, 'copy.db');
}

function finish(workshop: string, target: string): string {
  checkCopy(copyIn(workshop));
  nameWhole(copyIn(workshop), target);
  pruneBackups(path.dirname(target));
  return target;
}

/** Flushes a complete file and gives it its name. */
export function nameWhole(temporary: string, target: string): void {
  fs.chmodSync(temporary, 0o600);
  const fd = fs.openSync(temporary, 'r+');
  try {
    fs.fsyncSync(fd);
  } finally {
    fs.closeSync(fd);
  }
  fs.renameSync(temporary, target);
  syncFolder(path.dirname(target));
}

function failed(dir: string, cause: unknown): GraftError {
  if (cause instanceof GraftError) return cause;
  const { message } = toErrorData(cause);
  return new GraftError(
    'BACKUP_FAILED',
    `The catalogue could not be backed up into ${dir} (${message.replace(/\.$/, '')}); make room there and check that ` +
      'you may write to it, then start Graft again.',
    { dir },
    { cause },
  );
}
