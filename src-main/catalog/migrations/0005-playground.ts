/**
 * Schema of the playground: what was asked and answered, and the votes of blind comparisons. An entry of a vote without
 * an adapter is the plain base.
 */
export const playground = `
CREATE TABLE playground_history (
  id TEXT PRIMARY KEY,
  model_id TEXT REFERENCES base_models (id) ON DELETE SET NULL,
  model_name TEXT NOT NULL,
  title TEXT NOT NULL,
  request TEXT NOT NULL CHECK (json_valid(request)),
  answers TEXT NOT NULL CHECK (json_valid(answers)),
  created_at TEXT NOT NULL
) STRICT;
CREATE INDEX playground_history_by_time ON playground_history (created_at);
CREATE INDEX playground_history_by_model ON playground_history (model_id);

CREATE TABLE playground_votes (
  id INTEGER PRIMARY KEY,
  model_id TEXT NOT NULL REFERENCES base_models (id) ON DELETE CASCADE,
  created_at TEXT NOT NULL
) STRICT;
CREATE INDEX playground_votes_by_model ON playground_votes (model_id);

CREATE TABLE playground_vote_entries (
  vote_id INTEGER NOT NULL REFERENCES playground_votes (id) ON DELETE CASCADE,
  adapter_id TEXT REFERENCES adapters (id) ON DELETE CASCADE,
  outcome TEXT NOT NULL CHECK (outcome IN ('won', 'tied', 'lost'))
) STRICT;
CREATE INDEX playground_vote_entries_by_vote ON playground_vote_entries (vote_id);
CREATE INDEX playground_vote_entries_by_adapter ON playground_vote_entries (adapter_id);
`;
