/**
 * Schema of adapters in the studio: notes, tags, where an imported one came from, and the trash. A row in the trash
 * stays, so that restoring it brings back everything that points at it. A task whose adapters all lie in the trash can
 * be deleted too: its name is then free for another, and `removed_name` keeps it.
 */
export const adapters = `
ALTER TABLE adapters ADD COLUMN notes TEXT NOT NULL DEFAULT '';
ALTER TABLE adapters ADD COLUMN tags TEXT NOT NULL DEFAULT '[]' CHECK (json_valid(tags));
ALTER TABLE adapters ADD COLUMN imported_from TEXT;
ALTER TABLE adapters ADD COLUMN deleted_at TEXT;
ALTER TABLE adapters ADD COLUMN was_active INTEGER NOT NULL DEFAULT 0 CHECK (was_active IN (0, 1));
ALTER TABLE adapters ADD COLUMN known_loss REAL;
UPDATE adapters SET known_loss = final_loss;
ALTER TABLE adapters DROP COLUMN final_loss;
ALTER TABLE adapters RENAME COLUMN known_loss TO final_loss;
DROP INDEX adapters_by_task;
CREATE INDEX adapters_by_task ON adapters (task_id, deleted_at, created_at);

ALTER TABLE tasks ADD COLUMN deleted_at TEXT;
ALTER TABLE tasks ADD COLUMN removed_name TEXT;
`;
