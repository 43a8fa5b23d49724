/** Places beside this machine where runs can be trained. */
import type { Database } from 'better-sqlite3';
import type { RemoteTarget } from '../../src-shared/remoteTargets.ts';

export function remoteTargetQueries(db: Database) {
  const list = db.prepare<[], { spec: string }>('SELECT spec FROM targets ORDER BY created_at, rowid');
  const byName = db.prepare<[string], { spec: string }>('SELECT spec FROM targets WHERE name = ?');
  const save = db.prepare<[string, string, string]>(
    `INSERT INTO targets (name, spec, created_at) VALUES (?, ?, ?)
     ON CONFLICT (name) DO UPDATE SET spec = excluded.spec`,
  );
  const remove = db.prepare<[string]>('DELETE FROM targets WHERE name = ?');
  return {
    /** Oldest first. */
    list: (): RemoteTarget[] => list.all().map(({ spec }) => JSON.parse(spec) as RemoteTarget),
    get(name: string): RemoteTarget | undefined {
      const row = byName.get(name);
      return row && (JSON.parse(row.spec) as RemoteTarget);
    },
    /** Inserts it, or replaces the one of this name. */
    save: (target: RemoteTarget) => void save.run(target.name, JSON.stringify(target), new Date().toISOString()),
    /** Fails while a run is or was trained there. */
    remove: (name: string) => void remove.run(name),
  };
}
