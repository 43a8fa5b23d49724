/** Datasets: a name, the user's own file, and which of its versions is the current one (datasetVersions.ts). */
import type { Database } from 'better-sqlite3';
import type { DatasetFormat, FileRules } from '../../src-shared/datasets.ts';
import { datasetVersionQueries, toRules, type DatasetVersion } from './datasetVersions.ts';

/** A dataset as its current version has it. */
export interface Dataset {
  id: string;
  name: string;
  /** The user's own file, which Graft never writes. */
  source: string;
  /** Number of the current version. */
  version: number;
  /** Of the current version: `source`, or a file that Graft wrote. */
  file: string;
  /** Null: by file extension and content. */
  format: DatasetFormat | null;
  part?: FileRules['part'];
  noHeader?: FileRules['noHeader'];
  /** Wanted column -> column in the file. */
  map: Record<string, string>;
  /** Good rows. */
  rows: number;
  badRows: number;
  /** The user agreed to go on without the bad rows. */
  allowBadRows: boolean;
  hash: string;
  /** Null where it was not noted. */
  sizeBytes: number | null;
  createdAt: string;
}

interface Row {
  id: string;
  name: string;
  source: string;
  version: number;
  file: string;
  format: DatasetFormat | null;
  rules: string;
  map: string;
  rows: number;
  bad_rows: number;
  allow_bad_rows: number;
  hash: string;
  size_bytes: number | null;
  created_at: string;
}

const toDataset = (row: Row): Dataset => ({
  id: row.id,
  name: row.name,
  source: row.source,
  version: row.version,
  file: row.file,
  format: row.format,
  ...toRules(row.rules),
  map: JSON.parse(row.map) as Record<string, string>,
  rows: row.rows,
  badRows: row.bad_rows,
  allowBadRows: row.allow_bad_rows === 1,
  hash: row.hash,
  sizeBytes: row.size_bytes,
  createdAt: row.created_at,
});

const SELECT = `
  SELECT d.id, d.name, d.source, d.version, d.allow_bad_rows, d.created_at, v.file, v.format, v.rules, v.map, v.rows,
    v.bad_rows, v.hash, v.size_bytes
  FROM datasets d JOIN dataset_versions v ON v.dataset_id = d.id AND v.number = d.version`;

export interface NewDataset {
  id: string;
  name: string;
  source: string;
  allowBadRows: boolean;
  createdAt: string;
}

export function datasetQueries(db: Database) {
  const list = db.prepare<[], Row>(`${SELECT} WHERE d.removed_at IS NULL ORDER BY d.created_at, d.rowid`);
  const byId = db.prepare<[string], Row>(`${SELECT} WHERE d.id = ? AND d.removed_at IS NULL`);
  const bySource = db.prepare<[string], Row>(`${SELECT} WHERE d.source = ? AND d.removed_at IS NULL`);
  const insert = db.prepare(
    'INSERT INTO datasets (id, name, source, allow_bad_rows, created_at) VALUES (@id, @name, @source, ' +
      '@allowBadRows, @createdAt)',
  );
  const rename = db.prepare<[string, string]>('UPDATE datasets SET name = ? WHERE id = ?');
  const setVersion = db.prepare<[number, string]>('UPDATE datasets SET version = ? WHERE id = ?');
  const setSource = db.prepare<[string, string]>('UPDATE datasets SET source = ? WHERE id = ?');
  const allowBadRows = db.prepare<[number, string]>('UPDATE datasets SET allow_bad_rows = ? WHERE id = ?');
  const remove = db.prepare<[string, string]>('UPDATE datasets SET removed_at = ? WHERE id = ? AND removed_at IS NULL');
  const bringBack = db.prepare<[string]>(
    'UPDATE datasets SET removed_at = NULL WHERE id = ? AND removed_at IS NOT NULL',
  );
  const files = db.prepare<[string, string], { file: string }>(
    'SELECT source AS file FROM datasets WHERE id = ? UNION SELECT file FROM dataset_versions WHERE dataset_id = ?',
  );
  const versions = datasetVersionQueries(db);

  const get = (id: string): Dataset | undefined => {
    const row = byId.get(id);
    return row && toDataset(row);
  };
  return {
    versions,
    list: () => list.all().map(toDataset),
    get,
    /** The dataset as one of its versions has it; undefined where there is no such version. */
    at(id: string, number: number): Dataset | undefined {
      const dataset = get(id);
      const version = versions.get(id, number);
      return dataset && version && withVersion(dataset, version);
    },
    /** The dataset of the same file, first registered with the same reading rules. */
    find: ({ file, format, part, noHeader, map }: FileRules & Pick<Dataset, 'file' | 'map'>): Dataset | undefined =>
      bySource
        .all(file)
        .map(toDataset)
        .find(({ id }) => {
          const first = versions.get(id, 1);
          return (
            first !== undefined &&
            first.format === (format ?? null) &&
            first.part === part &&
            (first.noHeader ?? false) === (noHeader ?? false) &&
            sameMap(first.map, map)
          );
        }),
    /** Writes a dataset with its first version. */
    insert: db.transaction((dataset: NewDataset, first: Omit<DatasetVersion, 'datasetId' | 'number'>): void => {
      insert.run({ ...dataset, allowBadRows: dataset.allowBadRows ? 1 : 0 });
      versions.insert({ ...first, datasetId: dataset.id, number: 1 });
    }),
    /** The user's file and those of all versions, also of a removed dataset. */
    filesOf: (id: string): string[] => files.all(id, id).map(({ file }) => file),
    rename: (id: string, name: string): void => void rename.run(name, id),
    setVersion: (id: string, number: number): void => void setVersion.run(number, id),
    setSource: (id: string, source: string): void => void setSource.run(source, id),
    setAllowBadRows: (id: string, allow: boolean): void => void allowBadRows.run(allow ? 1 : 0, id),
    /** Hides a dataset; its row stays, so that runs keep its name. True when there was one. */
    remove: (id: string, at: string): boolean => remove.run(at, id).changes > 0,
    /** True when it had been removed. */
    bringBack: (id: string): boolean => bringBack.run(id).changes > 0,
  };
}

/** The same dataset with another version's file, rules and counts. */
function withVersion(
  dataset: Dataset,
  { number, file, format, part, noHeader, map, rows, badRows, hash, sizeBytes }: DatasetVersion,
): Dataset {
  return { ...dataset, version: number, file, format, part, noHeader, map, rows, badRows, hash, sizeBytes };
}

function sameMap(a: Record<string, string>, b: Record<string, string>): boolean {
  const keys = Object.keys(a);
  return keys.length === Object.keys(b).length && keys.every((key) => a[key] === b[key]);
}
