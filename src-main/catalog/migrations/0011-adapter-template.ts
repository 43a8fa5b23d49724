/** How an adapter's training put its questions, by name; null where that is not known. */
export const adapterTemplate = `
ALTER TABLE adapters ADD COLUMN prompt_template TEXT;
`;
