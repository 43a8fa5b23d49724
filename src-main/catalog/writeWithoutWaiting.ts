/** Writing while others may hold the catalogue: at once or not at all, so that the process is never blocked. */
import Database from 'better-sqlite3';

/** What goes away by itself, or when the user makes room: locked, full, or not to be reached for a moment. */
const PASSING = /^SQLITE_(BUSY|LOCKED|FULL|IOERR|CANTOPEN|PROTOCOL)/;

/**
 * `work` in one transaction. False where nothing was written, since another process is writing or the disk is full.
 * Throws what waiting does not mend, such as a damaged catalogue.
 */
export function writeWithoutWaiting(db: Database.Database, work: () => void): boolean {
  const patience = db.pragma('busy_timeout', { simple: true });
  db.pragma('busy_timeout = 0');
  try {
    db.transaction(work).immediate();
    return true;
  } catch (error) {
    if (error instanceof Database.SqliteError && PASSING.test(error.code)) return false;
    throw error;
  } finally {
    db.pragma(`busy_timeout = ${Number(patience)}`);
  }
}
