/** Schema of exports in the studio: adapters alone, and several adapters with their scales. */
export const exports = `
ALTER TABLE exports ADD COLUMN kind TEXT NOT NULL DEFAULT 'merged' CHECK (kind IN ('merged', 'adapter'));
ALTER TABLE exports ADD COLUMN tasks TEXT CHECK (tasks IS NULL OR json_valid(tasks));
`;
