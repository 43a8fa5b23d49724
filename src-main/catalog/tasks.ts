/** Tasks: a name for what adapters are trained for, with one active adapter. */
import type { Database } from 'better-sqlite3';

export interface Task {
  id: string;
  name: string;
  activeAdapterId: string | null;
  /** Number of adapters trained for this task. */
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

const SELECT = 'SELECT t.*, (SELECT count(*) FROM adapters a WHERE a.task_id = t.id) AS adapters FROM tasks t';

export function taskQueries(db: Database) {
  const list = db.prepare<[], Row>(`${SELECT} ORDER BY t.name`);
  const byId = db.prepare<[string], Row>(`${SELECT} WHERE t.id = ?`);
  const byName = db.prepare<[string], Row>(`${SELECT} WHERE t.name = ?`);
  const insert = db.prepare('INSERT INTO tasks (id, name, created_at) VALUES (@id, @name, @createdAt)');
  const setActive = db.prepare<[string | null, string]>('UPDATE tasks SET active_adapter_id = ? WHERE id = ?');
  const remove = db.prepare<[string]>('DELETE FROM tasks WHERE id = ?');
  const one = (row: Row | undefined): Task | undefined => row && toTask(row);
  return {
    list: () => list.all().map(toTask),
    get: (id: string) => one(byId.get(id)),
    byName: (name: string) => one(byName.get(name)),
    insert: (task: Pick<Task, 'id' | 'name' | 'createdAt'>) => void insert.run(task),
    setActive: (id: string, adapterId: string | null) => void setActive.run(adapterId, id),
    /** True when there was one. Its adapters' rows go with it. */
    remove: (id: string) => remove.run(id).changes > 0,
  };
}
