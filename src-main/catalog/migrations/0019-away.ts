/**
 * Targets beside this machine, and the runs that are trained there: how far each has been read, so that whatever its
 * folder tells is recorded exactly once.
 */
export const away = `
CREATE TABLE targets (
  name TEXT PRIMARY KEY,
  spec TEXT NOT NULL CHECK (json_valid(spec)),
  created_at TEXT NOT NULL
) STRICT;

CREATE TABLE away_runs (
  run_id TEXT PRIMARY KEY REFERENCES runs (id) ON DELETE CASCADE,
  target TEXT NOT NULL REFERENCES targets (name),
  job_dir TEXT NOT NULL,
  slurm_job TEXT,
  array_task INTEGER,
  pid INTEGER,
  phase TEXT NOT NULL,
  attempt INTEGER NOT NULL DEFAULT 0,
  read_bytes INTEGER NOT NULL DEFAULT 0,
  retries INTEGER NOT NULL DEFAULT 0,
  note TEXT,
  seen_at TEXT
) STRICT;
CREATE INDEX away_runs_by_target ON away_runs (target);
`;
