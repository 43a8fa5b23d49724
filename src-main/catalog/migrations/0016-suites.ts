/**
 * Suites with their questions, which never change; and what each subject, a model or an adapter, made of them. `rows`:
 * answers and what each adds to the scores. `after_task_id`: the task whose new adapters are measured as soon as they
 * are trained.
 */
export const suites = `
CREATE TABLE suites (
  id TEXT PRIMARY KEY,
  name TEXT NOT NULL UNIQUE,
  spec TEXT NOT NULL CHECK (json_valid(spec)),
  questions TEXT NOT NULL CHECK (json_valid(questions)),
  general TEXT NOT NULL CHECK (json_valid(general)),
  after_task_id TEXT REFERENCES tasks (id) ON DELETE SET NULL,
  created_at TEXT NOT NULL
) STRICT;

CREATE TABLE suite_results (
  suite_id TEXT NOT NULL REFERENCES suites (id) ON DELETE CASCADE,
  subject_id TEXT NOT NULL,
  facts TEXT NOT NULL CHECK (json_valid(facts)),
  rows TEXT NOT NULL CHECK (json_valid(rows)),
  PRIMARY KEY (suite_id, subject_id)
) STRICT;
`;
