/**
 * The engines are measured once for all tests: the first data folder that asks for `auto` does it, the next ones
 * remember it, as one folder does from start to start. `auto` is then tensorflow where it is usable: which engine is
 * the fastest of a busy machine changes from time to time, and with it what a journey costs.
 */
import path from 'node:path';
import { DatabaseSync } from 'node:sqlite';

let measured: string | undefined;

/** Gives a fresh data folder what is known of the engines; call what is returned to learn it from this one. */
export function rememberEngines(home: string): () => void {
  const file = path.join(home, 'graft.db');
  if (measured !== undefined)
    withDatabase(file, (db) => {
      const set = db.prepare('INSERT OR IGNORE INTO settings (key, value) VALUES (?, ?)');
      set.run('engines', measured!);
      set.run('app', JSON.stringify({ defaultEngine: 'tensorflow' }));
    });
  return () => {
    measured ??= withDatabase(file, (db) => {
      const row = db.prepare("SELECT value FROM settings WHERE key = 'engines'").get();
      return row?.['value'] as string | undefined;
    });
  };
}

function withDatabase<T>(file: string, use: (db: DatabaseSync) => T): T {
  const db = new DatabaseSync(file, { timeout: 10_000 });
  try {
    return use(db);
  } finally {
    db.close();
  }
}
