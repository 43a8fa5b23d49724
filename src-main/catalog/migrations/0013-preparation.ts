/** How a version was made by a recipe: the version it came from, the recipe, what each step did; else null. */
export const preparation = `
ALTER TABLE dataset_versions ADD COLUMN preparation TEXT CHECK (preparation IS NULL OR json_valid(preparation));
`;
