/**
 * Tasks: what adapters are trained for; each has one active adapter, and switching it is one update plus new A and B in
 * a loaded model.
 */
import { z } from 'zod';
import type { Adapter } from '../catalog/adapters.ts';
import type { Task } from '../catalog/tasks.ts';
import { usageError } from '../../src-shared/errors.ts';
import { newId } from '../app/home.ts';
import type { Services } from '../app/services.ts';
import { procedure, router } from './trpc.ts';

const nameSchema = z.string().trim().min(1).max(80);

export interface TaskView extends Task {
  activeAdapter: Adapter | null;
}

export function tasksRouter({ catalog, playground }: Services) {
  const find = (id: string): Task => {
    const task = catalog.tasks.get(id);
    if (!task)
      throw usageError(
        'TASK_NOT_FOUND',
        `There is no task ${id} in the catalogue; "tasks list" shows those that exist.`,
        { taskId: id },
      );
    return task;
  };
  const refuseTaken = (name: string): void => {
    if (catalog.tasks.byName(name))
      throw usageError('TASK_EXISTS', `There is a task "${name}" already; choose another name.`, { name });
  };
  const view = (task: Task): TaskView => ({
    ...task,
    activeAdapter: (task.activeAdapterId !== null && catalog.adapters.get(task.activeAdapterId)) || null,
  });

  return router({
    list: procedure.query(() => catalog.tasks.list().map(view)),

    create: procedure.input(z.object({ name: nameSchema })).mutation(({ input }) => {
      refuseTaken(input.name);
      const id = newId('task');
      catalog.tasks.insert({ id, name: input.name, createdAt: new Date().toISOString() });
      return view(find(id));
    }),

    rename: procedure.input(z.object({ id: z.string(), name: nameSchema })).mutation(({ input }) => {
      if (find(input.id).name !== input.name) refuseTaken(input.name);
      catalog.tasks.rename(input.id, input.name);
      return view(find(input.id));
    }),

    /**
     * Makes an adapter (null: the plain base) the active one of its task. Where its base is loaded in the playground
     * it is attached there too, and `switchMs` says how long that took; else `switchMs` is null.
     */
    switch: procedure
      .input(z.object({ taskId: z.string(), adapterId: z.string().nullable() }))
      .mutation(async ({ input }) => {
        find(input.taskId);
        const adapter = input.adapterId === null ? null : catalog.adapters.get(input.adapterId);
        if (adapter === undefined || (adapter && adapter.taskId !== input.taskId)) {
          throw usageError(
            'ADAPTER_NOT_FOUND',
            `The task has no adapter ${input.adapterId}; "adapters list" shows those that exist.`,
            { ...input },
          );
        }
        const { modelId, modelDir } = playground.state;
        const resident = modelDir !== null && (adapter === null || adapter.modelId === modelId);
        const attached = resident ? await playground.attach(input.adapterId) : null;
        catalog.tasks.setActive(input.taskId, input.adapterId);
        return { task: view(find(input.taskId)), switchMs: attached?.switchMs ?? null };
      }),

    /** Removes a task that has no adapters; those in its trash can still be restored. */
    remove: procedure.input(z.object({ id: z.string() })).mutation(({ input }) => {
      const task = find(input.id);
      if (task.adapters > 0)
        throw usageError(
          'TASK_NOT_EMPTY',
          `The task "${task.name}" still has ` +
            `${task.adapters === 1 ? 'an adapter' : `${task.adapters} adapters`}; move ` +
            `${task.adapters === 1 ? 'it' : 'them'} to the trash or to another task first.`,
          { taskId: task.id, adapters: task.adapters },
        );
      catalog.tasks.remove(task.id);
      return { removed: task.id };
    }),
  });
}
