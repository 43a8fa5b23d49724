/**
 * Adapters of any method; the weights lie in `dir`, in PEFT's format where PEFT has the method. Some lie in the trash.
 */
import type { Database } from 'better-sqlite3';
import type { KeptTemplate } from '../../src-shared/promptTemplates.ts';
import type { AdapterSettings } from '../../src-shared/methods/registry.ts';

export interface Adapter {
  id: string;
  name: string;
  taskId: string;
  /** Null for an imported adapter. */
  runId: string | null;
  modelId: string | null;
  /** Hash of the base model it was trained on. */
  baseHash: string;
  dir: string;
  sha256: string;
  sizeBytes: number;
  /** Rows of before lack the newer fields of LoRA. */
  method: AdapterSettings;
  /** Null for an imported adapter. */
  finalLoss: number | null;
  valLoss: number | null;
  notes: string;
  tags: string[];
  /** Folder that an imported adapter was copied from. */
  importedFrom: string | null;
  /** The prompt template of its training; null where that is not known. */
  promptTemplate: KeptTemplate['name'] | null;
  createdAt: string;
}

/** What a new row needs; notes, tags and origin may come later. */
export type NewAdapter = Omit<Adapter, 'notes' | 'tags' | 'importedFrom' | 'promptTemplate'> &
  Partial<Pick<Adapter, 'promptTemplate'>> & { importedFrom?: string };

export interface TrashedAdapter extends Adapter {
  /** Name of its task, which may be deleted itself. */
  taskName: string;
  deletedAt: string;
  /** It was the active adapter of its task. */
  wasActive: boolean;
}

/** What the user may change. */
export type AdapterChanges = Partial<Pick<Adapter, 'name' | 'notes' | 'tags' | 'taskId'>>;

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
  final_loss: number | null;
  val_loss: number | null;
  notes: string;
  tags: string;
  imported_from: string | null;
  prompt_template: string | null;
  deleted_at: string | null;
  was_active: number;
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
  notes: row.notes,
  tags: JSON.parse(row.tags) as string[],
  importedFrom: row.imported_from,
  promptTemplate: row.prompt_template as Adapter['promptTemplate'],
  createdAt: row.created_at,
});

type TrashRow = Row & { task_name: string };

const toTrashed = (row: TrashRow): TrashedAdapter => ({
  ...toAdapter(row),
  taskName: row.task_name,
  deletedAt: row.deleted_at!,
  wasActive: row.was_active === 1,
});

export const ADAPTERS_BY_TASK =
  'SELECT * FROM adapters WHERE task_id = ? AND deleted_at IS NULL ORDER BY created_at, rowid';
const TRASH =
  'SELECT a.*, coalesce(t.removed_name, t.name) AS task_name FROM adapters a JOIN tasks t ON t.id = a.task_id ' +
  'WHERE a.deleted_at IS NOT NULL';

export function adapterQueries(db: Database) {
  const list = db.prepare<[], Row>('SELECT * FROM adapters WHERE deleted_at IS NULL ORDER BY created_at, rowid');
  const byTask = db.prepare<[string], Row>(ADAPTERS_BY_TASK);
  const byId = db.prepare<[string], Row>('SELECT * FROM adapters WHERE id = ? AND deleted_at IS NULL');
  const trash = db.prepare<[], TrashRow>(`${TRASH} ORDER BY a.deleted_at DESC, a.rowid DESC`);
  const trashed = db.prepare<[string], TrashRow>(`${TRASH} AND a.id = ?`);
  const insert = db.prepare(
    `INSERT INTO adapters (id, name, task_id, run_id, model_id, base_hash, dir, sha256, size_bytes, method,
       final_loss, val_loss, imported_from, prompt_template, created_at)
     VALUES (@id, @name, @taskId, @runId, @modelId, @baseHash, @dir, @sha256, @sizeBytes, @method, @finalLoss,
       @valLoss, @importedFrom, @promptTemplate, @createdAt)`,
  );
  const update = db.prepare(
    'UPDATE adapters SET name = @name, notes = @notes, tags = @tags, task_id = @taskId WHERE id = @id',
  );
  const toTrash = db.prepare(
    'UPDATE adapters SET dir = @dir, deleted_at = @deletedAt, was_active = @wasActive WHERE id = @id',
  );
  const remove = db.prepare<[string]>('DELETE FROM adapters WHERE id = ?');
  const get = (id: string): Adapter | undefined => {
    const row = byId.get(id);
    return row && toAdapter(row);
  };
  return {
    list: (taskId?: string) => (taskId === undefined ? list.all() : byTask.all(taskId)).map(toAdapter),
    /** Not those in the trash. */
    get,
    insert: (adapter: NewAdapter) =>
      void insert.run({ importedFrom: null, promptTemplate: null, ...adapter, method: JSON.stringify(adapter.method) }),
    /** The adapter must exist. */
    update(id: string, changes: AdapterChanges): Adapter {
      const { name, notes, tags, taskId } = { ...get(id)!, ...changes };
      update.run({ id, name, notes, tags: JSON.stringify(tags), taskId });
      return get(id)!;
    },
    /** Those in the trash, the last one deleted first. */
    trash: () => trash.all().map(toTrashed),
    getTrashed(id: string): TrashedAdapter | undefined {
      const row = trashed.get(id);
      return row && toTrashed(row);
    },
    markTrashed: (id: string, mark: { dir: string; deletedAt: string; wasActive: boolean }) =>
      void toTrash.run({ ...mark, id, wasActive: mark.wasActive ? 1 : 0 }),
    markRestored: (id: string, dir: string) => void toTrash.run({ id, dir, deletedAt: null, wasActive: 0 }),
    /** True when there was one, in the trash or not. A task that had it active has none afterwards. */
    remove: (id: string) => remove.run(id).changes > 0,
  };
}
