/** Tags, notes and the archive of runs, and when each step was taken (null in runs of before). */
export const runNotes = `
ALTER TABLE runs ADD COLUMN tags TEXT NOT NULL DEFAULT '[]' CHECK (json_valid(tags));
ALTER TABLE runs ADD COLUMN notes TEXT NOT NULL DEFAULT '';
ALTER TABLE runs ADD COLUMN archived_at TEXT;
ALTER TABLE metrics ADD COLUMN at_ms INTEGER;
`;
