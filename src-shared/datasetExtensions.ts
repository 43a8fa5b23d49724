/** Names that files of rows go by. What a file is, its content says; names decide what is offered and looked for. */

export const TABLE_EXTENSIONS = ['jsonl', 'ndjson', 'json', 'csv', 'tsv', 'parquet', 'arrow', 'feather', 'xlsx'];
export const TEXT_EXTENSIONS = ['txt', 'text', 'md', 'markdown'];
export const PACKED_EXTENSIONS = ['gz', 'zst', 'zstd'];

/** What file dialogs offer, and what Graft opens where the system hands it over. */
export const DATASET_EXTENSIONS = [...TABLE_EXTENSIONS, ...TEXT_EXTENSIONS, ...PACKED_EXTENSIONS];

/** What the installed app asks the system for: names of little else than rows. Other programs own the rest. */
export const CLAIMED_EXTENSIONS = ['jsonl', 'ndjson', 'csv', 'tsv', 'parquet', 'arrow', 'feather'];
