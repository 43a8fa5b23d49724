/** Small remembered facts: one JSON value per key. */
import type { Database } from 'better-sqlite3';

export function settingQueries(db: Database) {
  const get = db.prepare<[string], { value: string }>('SELECT value FROM settings WHERE key = ?');
  const set = db.prepare<[string, string]>('INSERT OR REPLACE INTO settings (key, value) VALUES (?, ?)');
  return {
    /** The stored value, unchecked: it is the caller's to validate. */
    get(key: string): unknown {
      const row = get.get(key);
      return row && (JSON.parse(row.value) as unknown);
    },
    set: (key: string, value: unknown) => void set.run(key, JSON.stringify(value)),
  };
}
