/** Brings a database to the newest schema, one transaction per migration; never goes backwards. */
import type { Database } from 'better-sqlite3';
import { GraftError } from '../../src-shared/errors.ts';
import { migrations } from './migrations/index.ts';

/** Throws GraftError CATALOG_TOO_NEW when a newer Graft has written the database. */
export function migrate(db: Database, steps: readonly string[] = migrations): void {
  const run = db.transaction(() => {
    const version = schemaVersion(db);
    if (version > steps.length) {
      throw new GraftError(
        'CATALOG_TOO_NEW',
        `The catalogue ${db.name} was written by a newer Graft (schema ${version}, this one knows ` +
          `${steps.length}); update Graft or choose another data folder with GRAFT_HOME.`,
        { file: db.name, got: version, want: steps.length },
      );
    }
    for (let next = version; next < steps.length; next++) {
      db.exec(steps[next]!);
      db.pragma(`user_version = ${next + 1}`);
    }
  });
  // Nothing to write: another process may hold the lock, and this one can read all the same.
  if (schemaVersion(db) === steps.length) return;
  // Immediate: two processes that open a new data folder at once must not both create the tables.
  run.immediate();
}

/** Whether a version before this one has written it; a new one has nothing to lose. */
export function needsMigration(db: Database): boolean {
  const version = schemaVersion(db);
  return version > 0 && version < migrations.length;
}

export function schemaVersion(db: Database): number {
  return Number(db.pragma('user_version', { simple: true }));
}
