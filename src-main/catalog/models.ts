/** Base models: registered by folder, read in place. */
import type { Database } from 'better-sqlite3';

export interface WeightFileStat {
  name: string;
  sizeBytes: number;
  modifiedMs: number;
}

/** Facts about a base model as the details page shows them. */
interface ModelDetails {
  family: string;
  parameters: number;
  layers: number;
  hidden: number;
  heads: number;
  kvHeads: number;
  headDim: number;
  intermediate: number;
  vocab: number;
  maxPositions: number;
  /** Storage type that holds most bytes, e.g. `BF16`. */
  dtype: string;
  sizeBytes: number;
  tiedHead: boolean;
  /** Whether tokenizer.json is there. */
  tokenizer: boolean;
  /** LoRA targets that exist in this model. */
  targets: string[];
  /** Changes when a weights file is touched. */
  stamp: string;
  /** The GGUF file that the folder stands for, and how it is quantised. */
  gguf?: { file: string; quantisation: string };
  /** What the folder holds and the model does not use, a sentence each; absent in rows of before. */
  notes?: string[];
  /** Weights files as they were last seen; absent in rows of before. */
  files?: WeightFileStat[];
}

export interface RegisteredModel extends ModelDetails {
  id: string;
  name: string;
  dir: string;
  /** Identity of the weights; adapters name their base by it. */
  hash: string;
  createdAt: string;
}

interface Row {
  id: string;
  name: string;
  dir: string;
  hash: string;
  details: string;
  created_at: string;
}

const toModel = (row: Row): RegisteredModel => ({
  ...(JSON.parse(row.details) as ModelDetails),
  id: row.id,
  name: row.name,
  dir: row.dir,
  hash: row.hash,
  createdAt: row.created_at,
});

export function modelQueries(db: Database) {
  const list = db.prepare<[], Row>('SELECT * FROM base_models ORDER BY created_at, rowid');
  const byId = db.prepare<[string], Row>('SELECT * FROM base_models WHERE id = ?');
  const byDir = db.prepare<[string], Row>('SELECT * FROM base_models WHERE dir = ?');
  const upsert = db.prepare(
    `INSERT INTO base_models (id, name, dir, hash, details, created_at)
     VALUES (@id, @name, @dir, @hash, @details, @createdAt)
     ON CONFLICT (dir) DO UPDATE SET name = excluded.name, hash = excluded.hash, details = excluded.details`,
  );
  const relocate = db.prepare('UPDATE base_models SET dir = @dir, details = @details WHERE id = @id');
  const remove = db.prepare<[string]>('DELETE FROM base_models WHERE id = ?');
  return {
    list: () => list.all().map(toModel),
    get: (id: string) => map(byId.get(id)),
    byDir: (dir: string) => map(byDir.get(dir)),
    /** Inserts the model, or brings the one registered for the same folder up to date (its id stays). */
    save(model: RegisteredModel): RegisteredModel {
      const { id, name, dir, hash, createdAt, ...details } = model;
      upsert.run({ id, name, dir, hash, createdAt, details: JSON.stringify(details) });
      return toModel(byDir.get(dir)!);
    },
    /** The same model in another folder. */
    relocate(model: RegisteredModel): RegisteredModel {
      const { id, name: _name, dir, hash: _hash, createdAt: _createdAt, ...details } = model;
      relocate.run({ id, dir, details: JSON.stringify(details) });
      return toModel(byId.get(id)!);
    },
    /** True when there was one. */
    remove: (id: string) => remove.run(id).changes > 0,
  };
}

function map(row: Row | undefined): RegisteredModel | undefined {
  return row && toModel(row);
}
