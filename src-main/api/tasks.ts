/** Tasks: what adapters are trained for; each has one active adapter, and switching it is one update plus new A and B in a loaded model. */
import { z } from 'zod';
import type { Adapter } from '../catalog/adapters.ts';
import type { Task } from '../catalog/tasks.ts';
import { usageError } from '../errors.ts';
import { newId } from '../home.ts';
import type { Services } from '../services.ts';
import { procedure, router } from './trpc.ts';

export interface TaskView extends Task {
  activeAdapter: Adapter | null;
}

export function tasksRouter({ catalog, playground }: Services) {
  const find = (id: string): Task => {
    const task = catalog.tasks.get(id);
    if (!task) throw usageError('TASK_NOT_FOUND', `There is no task ${id} in the catalogue; "tasks list" shows those that exist.`, { taskId: id });
    return task;
  };
  const view = (task: Task): TaskView => ({ ...task, activeAdapter: (task.activeAdapterId !== null && catalog.adapters.get(task.activeAdapterId)) || null });

  return router({
    list: procedure.query(() => catalog.tasks.list().map(view)),

    create: procedure.input(z.object({ name: z.string().trim().min(1).max(80) })).mutation(({ input }) => {
      if (catalog.tasks.byName(input.name)) throw usageError('TASK_EXISTS', `There is a task "${input.name}" already; choose another name.`, { name: input.name });
      const id = newId('task');
      catalog.tasks.insert({ id, name: input.name, createdAt: new Date().toISOString() });
      return view(find(id));
    }),

    /**
     * Makes an adapter (null: the plain base) the active one of its task. Where its base is loaded in the playground
     * it is attached there too, and `switchMs` says how long that took; else `switchMs` is null.
     */
    switch: procedure.input(z.object({ taskId: z.string(), adapterId: z.string().nullable() })).mutation(async ({ input }) => {
      find(input.taskId);
      const adapter = input.adapterId === null ? null : catalog.adapters.get(input.adapterId);
      if (adapter === undefined || (adapter && adapter.taskId !== input.taskId)) {
        throw usageError('ADAPTER_NOT_FOUND', `The task has no adapter ${input.adapterId}; "adapters list" shows those that exist.`, { ...input });
      }
      const { modelId, modelDir } = playground.state;
      const resident = modelDir !== null && (adapter === null || adapter.modelId === modelId);
      const attached = resident ? await playground.attach(input.adapterId) : null;
      catalog.tasks.setActive(input.taskId, input.adapterId);
      return { task: view(find(input.taskId)), switchMs: attached?.switchMs ?? null };
    }),

    /** Removes a task that has no adapters. */
    remove: procedure.input(z.object({ id: z.string() })).mutation(({ input }) => {
      const task = find(input.id);
      if (task.adapters > 0) throw usageError('TASK_NOT_EMPTY', `The task "${task.name}" has ${task.adapters} adapters; remove them first.`, { taskId: task.id, adapters: task.adapters });
      catalog.tasks.remove(task.id);
      return { removed: task.id };
    }),
  });
}
