/** Exports in the formats of other runtimes, quantised or in shards; what was a copy of an adapter is PEFT's format. */
export const exportFormats = `
ALTER TABLE exports ADD COLUMN format TEXT NOT NULL DEFAULT 'hf';
ALTER TABLE exports ADD COLUMN quantise TEXT CHECK (quantise IS NULL OR json_valid(quantise));
ALTER TABLE exports ADD COLUMN max_shard_bytes INTEGER;
UPDATE exports SET format = 'peft' WHERE kind = 'adapter';
ALTER TABLE exports DROP COLUMN kind;
`;
