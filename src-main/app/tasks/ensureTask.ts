/** The task of a name, which is made where there is none. */
import type { Catalog } from '../../catalog/catalog.ts';
import type { Task } from '../../catalog/tasks.ts';
import { newId } from '../ids.ts';

export function ensureTask({ tasks }: Pick<Catalog, 'tasks'>, name: string): Task {
  const known = tasks.byName(name);
  if (known) return known;
  const task = { id: newId('task'), name, createdAt: new Date().toISOString() };
  tasks.insert(task);
  return { ...task, activeAdapterId: null, adapters: 0 };
}
