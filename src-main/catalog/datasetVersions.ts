/**
 * Versions of a dataset: each names one file with its hash, so that a run can name the exact data it saw. Never changed
 * but for how the columns are read.
 */
import type { Database } from 'better-sqlite3';
import type { DatasetFormat, FileRules } from '../../src-shared/datasets.ts';
import type { Preparation } from '../../src-shared/recipes.ts';

export interface DatasetVersion {
  datasetId: string;
  /** 1 is the file as it was added. */
  number: number;
  file: string;
  /** Null: by file extension and content. */
  format: DatasetFormat | null;
  /** Which part of a file or folder, and whether a CSV file has no header; absent where it has nothing to say. */
  part?: FileRules['part'];
  noHeader?: FileRules['noHeader'];
  /** Wanted column -> column in the file. */
  map: Record<string, string>;
  /** Good rows. */
  rows: number;
  badRows: number;
  /** sha256 of the file. */
  hash: string;
  /** Size and time of the file when it was hashed; null where they were not noted. */
  sizeBytes: number | null;
  modifiedMs: number | null;
  /** What is different from the version before, in a sentence. */
  change: string;
  /** How a recipe made it; absent for others. */
  preparation?: Preparation;
  createdAt: string;
}

interface Row {
  dataset_id: string;
  number: number;
  file: string;
  format: DatasetFormat | null;
  rules: string;
  map: string;
  rows: number;
  bad_rows: number;
  hash: string;
  size_bytes: number | null;
  modified_ms: number | null;
  change: string;
  preparation: string | null;
  created_at: string;
}

/** The column `rules` of a version. */
export function toRules(text: string): Pick<FileRules, 'part' | 'noHeader'> {
  return JSON.parse(text) as Pick<FileRules, 'part' | 'noHeader'>;
}

const toVersion = (row: Row): DatasetVersion => ({
  datasetId: row.dataset_id,
  number: row.number,
  file: row.file,
  format: row.format,
  ...toRules(row.rules),
  map: JSON.parse(row.map) as Record<string, string>,
  rows: row.rows,
  badRows: row.bad_rows,
  hash: row.hash,
  sizeBytes: row.size_bytes,
  modifiedMs: row.modified_ms,
  change: row.change,
  ...(row.preparation === null ? {} : { preparation: JSON.parse(row.preparation) as Preparation }),
  createdAt: row.created_at,
});

export function datasetVersionQueries(db: Database) {
  const list = db.prepare<[string], Row>('SELECT * FROM dataset_versions WHERE dataset_id = ? ORDER BY number DESC');
  const one = db.prepare<[string, number], Row>('SELECT * FROM dataset_versions WHERE dataset_id = ? AND number = ?');
  const insert = db.prepare(
    `INSERT INTO dataset_versions (dataset_id, number, file, format, rules, map, rows, bad_rows, hash, size_bytes,
       modified_ms, change, preparation, created_at)
     VALUES (@datasetId, @number, @file, @format, @rules, @map, @rows, @badRows, @hash, @sizeBytes, @modifiedMs,
       @change, @preparation, @createdAt)`,
  );
  const reread = db.prepare(
    'UPDATE dataset_versions SET map = @map, rows = @rows, bad_rows = @badRows WHERE dataset_id = @datasetId ' +
      'AND number = @number',
  );
  const move = db.prepare(
    'UPDATE dataset_versions SET file = @file, size_bytes = @sizeBytes, modified_ms = @modifiedMs WHERE ' +
      'dataset_id = @datasetId AND number = @number',
  );
  return {
    /** Newest first. */
    list: (datasetId: string) => list.all(datasetId).map(toVersion),
    get(datasetId: string, number: number): DatasetVersion | undefined {
      const row = one.get(datasetId, number);
      return row && toVersion(row);
    },
    insert: (version: DatasetVersion): void =>
      void insert.run({
        ...version,
        rules: JSON.stringify({ part: version.part, noHeader: version.noHeader }),
        map: JSON.stringify(version.map),
        preparation: version.preparation ? JSON.stringify(version.preparation) : null,
      }),
    /** Other columns for the same file. */
    setMap: (version: Pick<DatasetVersion, 'datasetId' | 'number' | 'map' | 'rows' | 'badRows'>): void =>
      void reread.run({ ...version, map: JSON.stringify(version.map) }),
    /** The same content at another place. */
    setFile: (version: Pick<DatasetVersion, 'datasetId' | 'number' | 'file' | 'sizeBytes' | 'modifiedMs'>): void =>
      void move.run(version),
  };
}
