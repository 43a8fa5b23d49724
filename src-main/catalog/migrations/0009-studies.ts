/** Studies: what is compared, and which run is which variant and seed. `pruned_step`: ended there by halving. */
export const studies = `
CREATE TABLE studies (
  id TEXT PRIMARY KEY,
  name TEXT NOT NULL,
  spec TEXT NOT NULL CHECK (json_valid(spec)),
  rungs_done INTEGER NOT NULL DEFAULT 0,
  cancelled_at TEXT,
  created_at TEXT NOT NULL
) STRICT;

CREATE TABLE study_runs (
  study_id TEXT NOT NULL REFERENCES studies (id) ON DELETE CASCADE,
  variant INTEGER NOT NULL,
  seed INTEGER NOT NULL,
  run_id TEXT NOT NULL UNIQUE REFERENCES runs (id) ON DELETE CASCADE,
  pruned_step INTEGER,
  PRIMARY KEY (study_id, variant, seed)
) STRICT, WITHOUT ROWID;
`;
