/**
 * Choices between answers of the playground, for a dataset to be: pairs from votes and edited answers, marks from
 * thumbs, and which dataset was made of either. A prompt is JSON: a text, or the messages of a conversation.
 */
export const choices = `
CREATE TABLE choice_pairs (
  id INTEGER PRIMARY KEY,
  prompt TEXT NOT NULL CHECK (json_valid(prompt)),
  chosen TEXT NOT NULL,
  rejected TEXT NOT NULL,
  origin TEXT NOT NULL CHECK (origin IN ('vote', 'edit')),
  created_at TEXT NOT NULL,
  UNIQUE (prompt, rejected, chosen)
) STRICT;

CREATE TABLE choice_marks (
  id INTEGER PRIMARY KEY,
  prompt TEXT NOT NULL CHECK (json_valid(prompt)),
  answer TEXT NOT NULL,
  good INTEGER NOT NULL CHECK (good IN (0, 1)),
  created_at TEXT NOT NULL,
  UNIQUE (prompt, answer)
) STRICT;

CREATE TABLE choice_datasets (
  kind TEXT PRIMARY KEY CHECK (kind IN ('pairs', 'marks')),
  dataset_id TEXT NOT NULL REFERENCES datasets (id) ON DELETE CASCADE
) STRICT;
`;
