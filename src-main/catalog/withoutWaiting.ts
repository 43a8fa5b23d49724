/** Writing while others may hold the catalogue: at once or not at all, so that the process is never blocked. */
import Database from 'better-sqlite3';

/** What goes away by itself, or when the user makes room: locked, full, or not to be reached for a moment. */
const PASSING = /^SQLITE_(BUSY|LOCKED|FULL|IOERR|CANTOPEN|PROTOCOL)/;

export function isPassing(error: unknown): boolean {
  return error instanceof Database.SqliteError && PASSING.test(error.code);
}

/** `work` in one transaction; SQLITE_BUSY at once where another process is writing. */
export function withoutWaiting(db: Database.Database, work: () => void): void {
  const patience = db.pragma('busy_timeout', { simple: true });
  db.pragma('busy_timeout = 0');
  try {
    db.transaction(work).immediate();
  } finally {
    db.pragma(`busy_timeout = ${Number(patience)}`);
  }
}
