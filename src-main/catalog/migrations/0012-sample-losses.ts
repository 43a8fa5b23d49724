/** The loss of each sample's own row; null where no row asks the prompt, and in samples of before. */
export const sampleLosses = `
ALTER TABLE samples ADD COLUMN losses TEXT CHECK (losses IS NULL OR json_valid(losses));
`;
