/** The time before which a queued run does not start, ISO 8601 in UTC; null: as soon as it is its turn. */
export const runNotBefore = `
ALTER TABLE runs ADD COLUMN not_before TEXT;
`;
