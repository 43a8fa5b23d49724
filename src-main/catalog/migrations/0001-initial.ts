/** Schema version 1: base models, datasets, tasks, runs with their metrics, adapters, exports, settings. */
export const initial = `
CREATE TABLE base_models (
  id TEXT PRIMARY KEY,
  name TEXT NOT NULL,
  dir TEXT NOT NULL UNIQUE,
  hash TEXT NOT NULL,
  details TEXT NOT NULL CHECK (json_valid(details)),
  created_at TEXT NOT NULL
) STRICT;

CREATE TABLE datasets (
  id TEXT PRIMARY KEY,
  name TEXT NOT NULL,
  file TEXT NOT NULL,
  format TEXT,
  map TEXT NOT NULL CHECK (json_valid(map)),
  rows INTEGER NOT NULL,
  bad_rows INTEGER NOT NULL,
  allow_bad_rows INTEGER NOT NULL CHECK (allow_bad_rows IN (0, 1)),
  hash TEXT NOT NULL,
  created_at TEXT NOT NULL
) STRICT;
CREATE INDEX datasets_by_file ON datasets (file);

CREATE TABLE tasks (
  id TEXT PRIMARY KEY,
  name TEXT NOT NULL UNIQUE,
  active_adapter_id TEXT REFERENCES adapters (id) ON DELETE SET NULL,
  created_at TEXT NOT NULL
) STRICT;
CREATE INDEX tasks_by_active_adapter ON tasks (active_adapter_id);

CREATE TABLE runs (
  id TEXT PRIMARY KEY,
  name TEXT NOT NULL,
  task_id TEXT REFERENCES tasks (id) ON DELETE SET NULL,
  model_id TEXT REFERENCES base_models (id) ON DELETE SET NULL,
  dataset_id TEXT REFERENCES datasets (id) ON DELETE SET NULL,
  status TEXT NOT NULL CHECK (status IN ('queued', 'running', 'paused', 'stopped', 'completed', 'failed')),
  spec TEXT NOT NULL CHECK (json_valid(spec)),
  started TEXT CHECK (started IS NULL OR json_valid(started)),
  error TEXT CHECK (error IS NULL OR json_valid(error)),
  result TEXT CHECK (result IS NULL OR json_valid(result)),
  owner_pid INTEGER,
  pid INTEGER,
  created_at TEXT NOT NULL,
  started_at TEXT,
  ended_at TEXT
) STRICT;
CREATE INDEX runs_by_status ON runs (status, created_at);
CREATE INDEX runs_by_task ON runs (task_id);
CREATE INDEX runs_by_model ON runs (model_id);
CREATE INDEX runs_by_dataset ON runs (dataset_id);

CREATE TABLE metrics (
  run_id TEXT NOT NULL REFERENCES runs (id) ON DELETE CASCADE,
  step INTEGER NOT NULL,
  loss REAL NOT NULL,
  lr REAL NOT NULL,
  grad_norm REAL NOT NULL,
  tokens_per_second REAL NOT NULL,
  memory_bytes INTEGER NOT NULL,
  elapsed_ms REAL NOT NULL,
  PRIMARY KEY (run_id, step)
) STRICT, WITHOUT ROWID;

CREATE TABLE evaluations (
  run_id TEXT NOT NULL REFERENCES runs (id) ON DELETE CASCADE,
  step INTEGER NOT NULL,
  val_loss REAL NOT NULL,
  PRIMARY KEY (run_id, step)
) STRICT, WITHOUT ROWID;

CREATE TABLE adapters (
  id TEXT PRIMARY KEY,
  name TEXT NOT NULL,
  task_id TEXT NOT NULL REFERENCES tasks (id) ON DELETE CASCADE,
  run_id TEXT REFERENCES runs (id) ON DELETE SET NULL,
  model_id TEXT REFERENCES base_models (id) ON DELETE SET NULL,
  base_hash TEXT NOT NULL,
  dir TEXT NOT NULL UNIQUE,
  sha256 TEXT NOT NULL,
  size_bytes INTEGER NOT NULL,
  method TEXT NOT NULL CHECK (json_valid(method)),
  final_loss REAL NOT NULL,
  val_loss REAL,
  created_at TEXT NOT NULL
) STRICT;
CREATE INDEX adapters_by_task ON adapters (task_id, created_at);
CREATE INDEX adapters_by_run ON adapters (run_id);
CREATE INDEX adapters_by_model ON adapters (model_id);

CREATE TABLE exports (
  id TEXT PRIMARY KEY,
  adapter_id TEXT REFERENCES adapters (id) ON DELETE SET NULL,
  adapter_dir TEXT NOT NULL,
  model_dir TEXT NOT NULL,
  out_dir TEXT NOT NULL,
  dtype TEXT,
  status TEXT NOT NULL CHECK (status IN ('running', 'completed', 'failed')),
  owner_pid INTEGER NOT NULL,
  result TEXT CHECK (result IS NULL OR json_valid(result)),
  error TEXT CHECK (error IS NULL OR json_valid(error)),
  created_at TEXT NOT NULL,
  ended_at TEXT
) STRICT;
CREATE INDEX exports_by_adapter ON exports (adapter_id);

CREATE TABLE settings (
  key TEXT PRIMARY KEY,
  value TEXT NOT NULL CHECK (json_valid(value))
) STRICT, WITHOUT ROWID;
`;
