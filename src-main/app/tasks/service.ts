/** Tasks: what adapters are trained for; each has at most one active adapter. */
import type { Adapter } from '../../catalog/adapters.ts';
import type { Catalog } from '../../catalog/catalog.ts';
import type { Task } from '../../catalog/tasks.ts';
import { usageError } from '../../../src-shared/errors.ts';
import { ensureTask } from './ensureTask.ts';

export interface TaskView extends Task {
  activeAdapter: Adapter | null;
}

export class TaskService {
  #catalog: Catalog;

  constructor(catalog: Catalog) {
    this.#catalog = catalog;
  }

  /** Throws a usage error TASK_NOT_FOUND. */
  require(id: string): TaskView {
    const task = this.#catalog.tasks.get(id);
    if (!task)
      throw usageError(
        'TASK_NOT_FOUND',
        `There is no task ${id} in the catalogue; "tasks list" shows those that exist.`,
        { taskId: id },
      );
    return this.#view(task);
  }

  list(): TaskView[] {
    return this.#catalog.tasks.list().map((task) => this.#view(task));
  }

  /** Throws a usage error TASK_EXISTS. */
  create(name: string): TaskView {
    this.#refuseTaken(name);
    return this.require(ensureTask(this.#catalog, name).id);
  }

  /** Throws a usage error TASK_EXISTS where another task has the name. */
  rename(id: string, name: string): TaskView {
    if (this.require(id).name !== name) this.#refuseTaken(name);
    this.#catalog.tasks.rename(id, name);
    return this.require(id);
  }

  /** Removes a task that has no adapters; those in its trash can still be restored. */
  remove(id: string): { removed: string } {
    const { name, adapters } = this.require(id);
    if (adapters > 0)
      throw usageError(
        'TASK_NOT_EMPTY',
        `The task "${name}" still has ${adapters === 1 ? 'an adapter' : `${adapters} adapters`}; move ` +
          `${adapters === 1 ? 'it' : 'them'} to the trash or to another task first.`,
        { taskId: id, adapters },
      );
    this.#catalog.tasks.remove(id);
    return { removed: id };
  }

  #refuseTaken(name: string): void {
    if (this.#catalog.tasks.byName(name))
      throw usageError('TASK_EXISTS', `There is a task "${name}" already; choose another name.`, { name });
  }

  #view(task: Task): TaskView {
    const active = task.activeAdapterId === null ? undefined : this.#catalog.adapters.get(task.activeAdapterId);
    return { ...task, activeAdapter: active ?? null };
  }
}
