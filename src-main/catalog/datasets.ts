/** Datasets: a file with its reading rules and what the last check counted. */
import type { Database } from 'better-sqlite3';

export interface Dataset {
  id: string;
  name: string;
  file: string;
  /** Null: by file extension and content. */
  format: 'jsonl' | 'json' | 'csv' | null;
  /** Wanted column -> column in the file. */
  map: Record<string, string>;
  /** Good rows. */
  rows: number;
  badRows: number;
  /** The user agreed to go on without the bad rows. */
  allowBadRows: boolean;
  hash: string;
  createdAt: string;
}

interface Row {
  id: string;
  name: string;
  file: string;
  format: Dataset['format'];
  map: string;
  rows: number;
  bad_rows: number;
  allow_bad_rows: number;
  hash: string;
  created_at: string;
}

const toDataset = (row: Row): Dataset => ({
  id: row.id,
  name: row.name,
  file: row.file,
  format: row.format,
  map: JSON.parse(row.map) as Record<string, string>,
  rows: row.rows,
  badRows: row.bad_rows,
  allowBadRows: row.allow_bad_rows === 1,
  hash: row.hash,
  createdAt: row.created_at,
});

export function datasetQueries(db: Database) {
  const list = db.prepare<[], Row>('SELECT * FROM datasets ORDER BY created_at, rowid');
  const byId = db.prepare<[string], Row>('SELECT * FROM datasets WHERE id = ?');
  const byFile = db.prepare<[string], Row>('SELECT * FROM datasets WHERE file = ?');
  const save = db.prepare(
    `INSERT INTO datasets (id, name, file, format, map, rows, bad_rows, allow_bad_rows, hash, created_at)
     VALUES (@id, @name, @file, @format, @map, @rows, @badRows, @allowBadRows, @hash, @createdAt)
     ON CONFLICT (id) DO UPDATE SET name = excluded.name, rows = excluded.rows, bad_rows = excluded.bad_rows,
       allow_bad_rows = excluded.allow_bad_rows, hash = excluded.hash`,
  );
  const remove = db.prepare<[string]>('DELETE FROM datasets WHERE id = ?');
  return {
    list: () => list.all().map(toDataset),
    get(id: string): Dataset | undefined {
      const row = byId.get(id);
      return row && toDataset(row);
    },
    /** The dataset registered for the same file with the same reading rules. */
    find: (file: string, format: Dataset['format'], map: Record<string, string>): Dataset | undefined =>
      byFile.all(file).map(toDataset).find((d) => d.format === format && sameMap(d.map, map)),
    save(dataset: Dataset): Dataset {
      save.run({ ...dataset, map: JSON.stringify(dataset.map), allowBadRows: dataset.allowBadRows ? 1 : 0 });
      return dataset;
    },
    /** True when there was one. */
    remove: (id: string) => remove.run(id).changes > 0,
  };
}

function sameMap(a: Record<string, string>, b: Record<string, string>): boolean {
  const keys = Object.keys(a);
  return keys.length === Object.keys(b).length && keys.every((key) => a[key] === b[key]);
}
