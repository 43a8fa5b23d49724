/** Schema version 8: which part of a file or folder a dataset's version is, and whether a CSV file has no header. */
export const readingRules = `
ALTER TABLE dataset_versions ADD COLUMN rules TEXT NOT NULL DEFAULT '{}' CHECK (json_valid(rules));
`;
