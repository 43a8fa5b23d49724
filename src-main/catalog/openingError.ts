/** Why a catalogue could not be opened, with what helps in that case. */
import Database from 'better-sqlite3';
import { GraftError } from '../../src-shared/errors.ts';
import type { ErrorCode } from '../../src-shared/errorCodes.ts';

/** What SQLite threw, as a GraftError; everything else as it is. */
export function openingError(error: unknown, file: string): unknown {
  if (!(error instanceof Database.SqliteError)) return error;
  const [code, message] = sentenceFor(error.code, file);
  return new GraftError(code, message, { file, sqlite: error.code, cause: error.message }, { cause: error });
}

function sentenceFor(sqlite: string, file: string): [ErrorCode, string] {
  if (/^SQLITE_(BUSY|LOCKED|PROTOCOL)/.test(sqlite))
    return [
      'CATALOG_AWAY',
      `The catalogue ${file} is held by another program, such as a second Graft or a backup; close that program or ` +
        'wait until it is ready, then start again. Nothing is lost.',
    ];
  if (/^SQLITE_(FULL|IOERR)/.test(sqlite))
    return [
      'DISK_FULL',
      `The catalogue ${file} cannot be opened, since its disk is full or failing; free some space there and start ` +
        'again. Nothing is lost.',
    ];
  if (/^SQLITE_(READONLY|PERM|AUTH|CANTOPEN)/.test(sqlite))
    return [
      'CATALOG_NOT_OPENED',
      `The catalogue ${file} cannot be opened or written; check that its folder exists and that you may write to ` +
        'the folder and to graft.db, graft.db-wal and graft.db-shm in it.',
    ];
  return ['CATALOG_BROKEN', brokenSentence(file)];
}

/** Models and adapters can be added from their folders again; what runs and exports there were only the file knows. */
function brokenSentence(file: string): string {
  return (
    `The catalogue ${file} is damaged or was not written by Graft; put a backup in its place ("graft backups list" ` +
    'names them, "graft backups restore NAME" takes one), or ' +
    'move it to another folder (with graft.db-wal and graft.db-shm, where they exist) and start again with an empty ' +
    'one. Nothing else is touched: add your models and datasets again, and import your adapters on the page Adapters ' +
    'from the folder "adapters" beside it, before you remove anything left over in Settings. The history of runs, ' +
    'votes and exports is only in the file that you moved.'
  );
}
