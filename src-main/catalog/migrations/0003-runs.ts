/** Schema of runs in the studio: order of the queue, pause, descent, samples and the log. */
export const runs = `
ALTER TABLE runs ADD COLUMN queue_position INTEGER;
ALTER TABLE runs ADD COLUMN parent_run_id TEXT REFERENCES runs (id) ON DELETE SET NULL;
ALTER TABLE runs ADD COLUMN interim TEXT CHECK (interim IS NULL OR json_valid(interim));
CREATE INDEX runs_by_parent ON runs (parent_run_id);

CREATE TABLE samples (
  run_id TEXT NOT NULL REFERENCES runs (id) ON DELETE CASCADE,
  step INTEGER NOT NULL,
  texts TEXT NOT NULL CHECK (json_valid(texts)),
  PRIMARY KEY (run_id, step)
) STRICT, WITHOUT ROWID;

CREATE TABLE run_log (
  id INTEGER PRIMARY KEY,
  run_id TEXT NOT NULL REFERENCES runs (id) ON DELETE CASCADE,
  at_ms INTEGER NOT NULL,
  message TEXT NOT NULL
) STRICT;
CREATE INDEX run_log_by_run ON run_log (run_id, id);
`;
