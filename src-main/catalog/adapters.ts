/** Trained adapters of any method; the weights lie in `dir`, in PEFT's format where PEFT has the method. */
import type { Database } from 'better-sqlite3';
import type { AdapterSettings } from '../trainer/methodSettings.ts';

export interface Adapter {
  id: string;
  name: string;
  taskId: string;
  runId: string | null;
  modelId: string | null;
  /** Hash of the base model it was trained on. */
  baseHash: string;
  dir: string;
  sha256: string;
  sizeBytes: number;
  /** Rows of before lack the newer fields of LoRA. */
  method: AdapterSettings;
  finalLoss: number;
  valLoss: number | null;
  createdAt: string;
}

interface Row {
  id: string;
  name: string;
  task_id: string;
  run_id: string | null;
  model_id: string | null;
  base_hash: string;
  dir: string;
  sha256: string;
  size_bytes: number;
  method: string;
  final_loss: number;
  val_loss: number | null;
  created_at: string;
}

const toAdapter = (row: Row): Adapter => ({
  id: row.id,
  name: row.name,
  taskId: row.task_id,
  runId: row.run_id,
  modelId: row.model_id,
  baseHash: row.base_hash,
  dir: row.dir,
  sha256: row.sha256,
  sizeBytes: row.size_bytes,
  method: JSON.parse(row.method) as AdapterSettings,
  finalLoss: row.final_loss,
  valLoss: row.val_loss,
  createdAt: row.created_at,
});

export const ADAPTERS_BY_TASK = 'SELECT * FROM adapters WHERE task_id = ? ORDER BY created_at, id';

export function adapterQueries(db: Database) {
  const list = db.prepare<[], Row>('SELECT * FROM adapters ORDER BY created_at, rowid');
  const byTask = db.prepare<[string], Row>(ADAPTERS_BY_TASK);
  const byId = db.prepare<[string], Row>('SELECT * FROM adapters WHERE id = ?');
  const insert = db.prepare(
    `INSERT INTO adapters (id, name, task_id, run_id, model_id, base_hash, dir, sha256, size_bytes, method, final_loss, val_loss, created_at)
     VALUES (@id, @name, @taskId, @runId, @modelId, @baseHash, @dir, @sha256, @sizeBytes, @method, @finalLoss, @valLoss, @createdAt)`,
  );
  const remove = db.prepare<[string]>('DELETE FROM adapters WHERE id = ?');
  return {
    list: (taskId?: string) => (taskId === undefined ? list.all() : byTask.all(taskId)).map(toAdapter),
    get(id: string): Adapter | undefined {
      const row = byId.get(id);
      return row && toAdapter(row);
    },
    insert: (adapter: Adapter) => void insert.run({ ...adapter, method: JSON.stringify(adapter.method) }),
    /** True when there was one. A task that had it active has none afterwards. */
    remove: (id: string) => remove.run(id).changes > 0,
  };
}
