/** Whole copies of a catalogue, and the proof that a copy is one. Where they lie and how long is for others to say. */
import Database from 'better-sqlite3';
import { GraftError } from '../../src-shared/errors.ts';
import { migrations } from './migrations/index.ts';
import { schemaVersion } from './migrate.ts';

/** Pages copied between two turns of the event loop, about 2 MB. */
const PAGES_AT_ONCE = 500;

/**
 * SQLite's online backup: others may read and write meanwhile. `onPages` is told how many pages are left, and ends the
 * copy by throwing.
 */
export async function copyCatalog(
  db: Database.Database,
  target: string,
  onPages: (left: number) => void = () => undefined,
): Promise<void> {
  await db.backup(target, {
    progress: ({ remainingPages }) => {
      onPages(remainingPages);
      return PAGES_AT_ONCE;
    },
  });
}

/** The same in one go, for when nothing may happen in between, as before a migration. `target` must not exist. */
export function copyCatalogNow(db: Database.Database, target: string): void {
  db.prepare('VACUUM INTO ?').run(target);
}

/**
 * Reads every page of a catalogue that nobody has open. Throws GraftError BACKUP_DAMAGED, or CATALOG_TOO_NEW where a
 * newer Graft wrote it.
 */
export function checkCopy(file: string): void {
  let version: number;
  try {
    const db = new Database(file, { fileMustExist: true });
    try {
      // A copy of a catalogue in WAL mode is in that mode too; as a single file it is whole by itself.
      db.pragma('journal_mode = DELETE');
      const found = db.pragma('integrity_check', { simple: true });
      if (found !== 'ok') throw damaged(file, String(found));
      version = schemaVersion(db);
    } finally {
      db.close();
    }
  } catch (error) {
    throw error instanceof GraftError ? error : damaged(file, error instanceof Error ? error.message : String(error));
  }
  if (version === 0) throw damaged(file, 'it holds no catalogue');
  if (version > migrations.length)
    throw new GraftError(
      'CATALOG_TOO_NEW',
      `The backup ${file} was written by a newer Graft (schema ${version}, this one knows ${migrations.length}); ` +
        'update Graft, or choose another backup.',
      { file, got: version, want: migrations.length },
    );
}

function damaged(file: string, found: string): GraftError {
  return new GraftError(
    'BACKUP_DAMAGED',
    `The backup ${file} is damaged or no catalogue of Graft's; choose another one.`,
    { file, found },
  );
}

/**
 * Brings what lies in the write-ahead log into the file itself, so that the file alone is the catalogue. 'in use' where
 * another connection has it open, 'damaged' where it cannot be read.
 */
export function settle(file: string): 'settled' | 'in use' | 'damaged' {
  try {
    const db = new Database(file, { timeout: 0 });
    try {
      return db.pragma('journal_mode = DELETE', { simple: true }) === 'delete' ? 'settled' : 'in use';
    } finally {
      db.close();
    }
  } catch (error) {
    return error instanceof Database.SqliteError && /^SQLITE_(BUSY|LOCKED)/.test(error.code) ? 'in use' : 'damaged';
  }
}
