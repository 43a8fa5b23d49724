/**
 * The catalogue: one SQLite file with everything that Graft remembers. It opens and migrates the file and offers one
 * query module per entity. It knows nothing of processes, files of adapters or the engine.
 */
import Database from 'better-sqlite3';
import { adapterQueries } from './adapters.ts';
import { awayQueries } from './away.ts';
import { choiceQueries } from './choices.ts';
import { datasetQueries } from './datasets.ts';
import { exportQueries } from './exports.ts';
import { metricQueries } from './metrics.ts';
import { migrate, needsMigration } from './migrate.ts';
import { modelQueries } from './models.ts';
import { openingError } from './openingError.ts';
import { playgroundQueries } from './playground.ts';
import { runHistoryQueries } from './runHistory.ts';
import { runQueries } from './runs.ts';
import { settingQueries } from './settings.ts';
import { storageQueries } from './storage.ts';
import { studyQueries } from './studies.ts';
import { suiteQueries } from './suites.ts';
import { remoteTargetQueries } from './remoteTargets.ts';
import { taskQueries } from './tasks.ts';
import { writeWithoutWaiting } from './writeWithoutWaiting.ts';

/** How long a process that only starts, or that nobody asks anything, waits for another that is writing. */
const ALONE_WAIT_MS = 5000;

/** Of one that answers others: while SQLite waits, nothing else is answered. A writing Graft is done much sooner. */
export const SERVING_WAIT_MS = 200;

/**
 * Opens (or creates) the catalogue. Throws GraftError CATALOG_TOO_NEW, CATALOG_AWAY, CATALOG_BROKEN or
 * CATALOG_NOT_OPENED. `beforeMigration` sees a catalogue of before as it is; what it throws ends the opening.
 */
export function openCatalog(file: string, waitMs = ALONE_WAIT_MS, beforeMigration?: (db: Database.Database) => void) {
  let db: Database.Database | undefined;
  try {
    db = new Database(file);
    return prepare(db, waitMs, beforeMigration);
  } catch (error) {
    db?.close();
    throw openingError(error, file);
  }
}
export type Catalog = ReturnType<typeof openCatalog>;

function prepare(db: Database.Database, waitMs: number, beforeMigration?: (db: Database.Database) => void) {
  const waitAtMost = (ms: number): void => void db.pragma(`busy_timeout = ${ms}`);
  waitAtMost(waitMs);
  db.pragma('journal_mode = WAL');
  db.pragma('foreign_keys = ON');
  if (needsMigration(db)) beforeMigration?.(db);
  migrate(db);
  return {
    db,
    models: modelQueries(db),
    datasets: datasetQueries(db),
    tasks: taskQueries(db),
    runs: runQueries(db),
    metrics: metricQueries(db),
    runHistory: runHistoryQueries(db),
    studies: studyQueries(db),
    suites: suiteQueries(db),
    adapters: adapterQueries(db),
    exports: exportQueries(db),
    settings: settingQueries(db),
    playground: playgroundQueries(db),
    choices: choiceQueries(db),
    targets: remoteTargetQueries(db),
    away: awayQueries(db),
    storage: storageQueries(db),
    /** Runs `work` in one transaction: all of it, or nothing. */
    transaction: <T>(work: () => T): T => db.transaction(work).immediate(),
    /** As `transaction`, but false at once where another process is writing or the disk is full. */
    tryWrite: (work: () => void): boolean => writeWithoutWaiting(db, work),
    /** How long a write waits from now on for another process that is writing, before it fails. */
    waitAtMost,
    close: () => db.close(),
  };
}
