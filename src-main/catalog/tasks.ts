/**
 * Tasks: a name for what adapters are trained for, with one active adapter. A deleted task stays while the trash holds
 * adapters of it.
 */
import type { Database } from 'better-sqlite3';

export interface Task {
  id: string;
  name: string;
  activeAdapterId: string | null;
  /** Number of its adapters; those in the trash do not count. */
  adapters: number;
  createdAt: string;
}

interface Row {
  id: string;
  name: string;
  active_adapter_id: string | null;
  adapters: number;
  created_at: string;
}

const toTask = (row: Row): Task => ({
  id: row.id,
  name: row.name,
  activeAdapterId: row.active_adapter_id,
  adapters: row.adapters,
  createdAt: row.created_at,
});

const SELECT =
  'SELECT t.*, (SELECT count(*) FROM adapters a WHERE a.task_id = t.id AND a.deleted_at IS NULL) AS adapters ' +
  'FROM tasks t WHERE t.deleted_at IS NULL';

export function taskQueries(db: Database) {
  const list = db.prepare<[], Row>(`${SELECT} ORDER BY t.name`);
  const byId = db.prepare<[string], Row>(`${SELECT} AND t.id = ?`);
  const byName = db.prepare<[string], Row>(`${SELECT} AND t.name = ?`);
  const insert = db.prepare('INSERT INTO tasks (id, name, created_at) VALUES (@id, @name, @createdAt)');
  const rename = db.prepare<[string, string]>('UPDATE tasks SET name = ? WHERE id = ?');
  const setActive = db.prepare<[string | null, string]>('UPDATE tasks SET active_adapter_id = ? WHERE id = ?');
  const holds = db.prepare<[string], { n: number }>('SELECT count(*) AS n FROM adapters WHERE task_id = ?');
  const remove = db.prepare<[string]>('DELETE FROM tasks WHERE id = ?');
  const hide = db.prepare<[string, string]>(
    'UPDATE tasks SET deleted_at = ?, removed_name = name, name = id, active_adapter_id = NULL WHERE id = ? ' +
      'AND deleted_at IS NULL',
  );
  const unhide = db.prepare<[string]>(
    'UPDATE tasks SET deleted_at = NULL, name = removed_name, removed_name = NULL WHERE id = ?',
  );
  const dropEmpty = db.prepare(
    'DELETE FROM tasks WHERE deleted_at IS NOT NULL AND NOT EXISTS (SELECT 1 FROM adapters a WHERE a.task_id = ' +
      'tasks.id)',
  );
  const removedName = db.prepare<[string], { removed_name: string | null }>(
    'SELECT removed_name FROM tasks WHERE id = ?',
  );
  const get = (id: string): Task | undefined => one(byId.get(id));
  const findByName = (name: string): Task | undefined => one(byName.get(name));
  return {
    list: () => list.all().map(toTask),
    get,
    byName: findByName,
    insert: (task: Pick<Task, 'id' | 'name' | 'createdAt'>) => void insert.run(task),
    /** The name must be free. */
    rename: (id: string, name: string) => void rename.run(name, id),
    setActive: (id: string, adapterId: string | null) => void setActive.run(adapterId, id),
    /** True when there was one. It only becomes invisible, and its name free, while the trash holds adapters of it. */
    remove: (id: string) =>
      (holds.get(id)!.n > 0 ? hide.run(new Date().toISOString(), id) : remove.run(id)).changes > 0,
    /**
     * The task that an adapter out of the trash belongs to: its own, made visible again, or the one that has taken its
     * name.
     */
    revive(id: string): Task {
      const name = removedName.get(id)!.removed_name;
      if (name === null) return get(id)!;
      const heir = findByName(name);
      if (heir) return heir;
      unhide.run(id);
      return get(id)!;
    },
    /** Forgets deleted tasks of which nothing is left in the trash. */
    dropEmpty: () => void dropEmpty.run(),
  };
}

function one(row: Row | undefined): Task | undefined {
  return row && toTask(row);
}
