/**
 * The catalogue: one SQLite file with everything that Graft remembers. It opens and migrates the file and offers one
 * query module per entity. It knows nothing of processes, files of adapters or the engine.
 */
import Database from 'better-sqlite3';
import { GraftError } from '../../src-shared/errors.ts';
import { adapterQueries } from './adapters.ts';
import { datasetQueries } from './datasets.ts';
import { exportQueries } from './exports.ts';
import { metricQueries } from './metrics.ts';
import { migrate } from './migrate.ts';
import { modelQueries } from './models.ts';
import { playgroundQueries } from './playground.ts';
import { runHistoryQueries } from './runHistory.ts';
import { runQueries } from './runs.ts';
import { settingQueries } from './settings.ts';
import { storageQueries } from './storage.ts';
import { taskQueries } from './tasks.ts';
import { writeWithoutWaiting } from './writeWithoutWaiting.ts';

/** Opens (or creates) the catalogue. Throws GraftError CATALOG_TOO_NEW, CATALOG_BROKEN or a file-system error. */
export function openCatalog(file: string) {
  const db = connect(file);
  return {
    db,
    models: modelQueries(db),
    datasets: datasetQueries(db),
    tasks: taskQueries(db),
    runs: runQueries(db),
    metrics: metricQueries(db),
    runHistory: runHistoryQueries(db),
    adapters: adapterQueries(db),
    exports: exportQueries(db),
    settings: settingQueries(db),
    playground: playgroundQueries(db),
    storage: storageQueries(db),
    /** Runs `work` in one transaction: all of it, or nothing. */
    transaction: <T>(work: () => T): T => db.transaction(work).immediate(),
    /** As `transaction`, but false at once where another process is writing or the disk is full. */
    tryWrite: (work: () => void): boolean => writeWithoutWaiting(db, work),
    close: () => db.close(),
  };
}
export type Catalog = ReturnType<typeof openCatalog>;

function connect(file: string): Database.Database {
  let db: Database.Database | undefined;
  try {
    db = new Database(file);
    // Another Graft process (the command line beside the app) may hold the write lock for a moment.
    db.pragma('busy_timeout = 10000');
    db.pragma('journal_mode = WAL');
    db.pragma('foreign_keys = ON');
    migrate(db);
    return db;
  } catch (error) {
    db?.close();
    throw sentenceFor(error, file);
  }
}

function sentenceFor(error: unknown, file: string): unknown {
  if (!(error instanceof Database.SqliteError)) return error;
  const details = { file, sqlite: error.code };
  if (error.code === 'SQLITE_NOTADB' || error.code.startsWith('SQLITE_CORRUPT')) {
    return new GraftError(
      'CATALOG_BROKEN',
      `${file} is not a readable catalogue (${error.message}); restore it from a backup or move it away to ` +
        'start a new one.',
      details,
      { cause: error },
    );
  }
  return new GraftError(
    'CATALOG_NOT_OPENED',
    `The catalogue ${file} cannot be opened (${error.message}); check that its folder exists, is writable and ` +
      'has free space.',
    details,
    { cause: error },
  );
}
