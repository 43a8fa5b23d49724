/**
 * Which Graft process sends, begins or takes back a run of a target just now, and what the user has asked of it, which
 * a Graft that is closed must not forget.
 */
export const awayClaims = `
ALTER TABLE away_runs ADD COLUMN owner_pid INTEGER;
ALTER TABLE away_runs ADD COLUMN asked TEXT CHECK (asked IN ('pause', 'stop'));
`;
