/**
 * Schema version 2: a dataset has versions, each a file with its own hash and reading rules; removing one can be
 * undone.
 */
export const datasets = `
CREATE TABLE dataset_versions (
  dataset_id TEXT NOT NULL REFERENCES datasets (id) ON DELETE CASCADE,
  number INTEGER NOT NULL CHECK (number > 0),
  file TEXT NOT NULL,
  format TEXT,
  map TEXT NOT NULL CHECK (json_valid(map)),
  rows INTEGER NOT NULL,
  bad_rows INTEGER NOT NULL,
  hash TEXT NOT NULL,
  size_bytes INTEGER,
  modified_ms REAL,
  change TEXT NOT NULL,
  created_at TEXT NOT NULL,
  PRIMARY KEY (dataset_id, number)
) STRICT, WITHOUT ROWID;

INSERT INTO dataset_versions (dataset_id, number, file, format, map, rows, bad_rows, hash, change, created_at)
SELECT id, 1, file, format, map, rows, bad_rows, hash, 'As it was added', created_at FROM datasets;

ALTER TABLE datasets RENAME COLUMN file TO source;
ALTER TABLE datasets ADD COLUMN version INTEGER NOT NULL DEFAULT 1;
ALTER TABLE datasets ADD COLUMN removed_at TEXT;
ALTER TABLE datasets DROP COLUMN format;
ALTER TABLE datasets DROP COLUMN map;
ALTER TABLE datasets DROP COLUMN rows;
ALTER TABLE datasets DROP COLUMN bad_rows;
ALTER TABLE datasets DROP COLUMN hash;
`;
