/** Tasks: what adapters are trained for; each has one active adapter. */
import { z } from 'zod';
import type { Services } from '../app/services.ts';
import { switchAdapter } from '../app/tasks/switchAdapter.ts';
import { byId, taskNameSchema } from '../app/inputs.ts';
import { procedure, router } from './trpc.ts';

const named = z.object({ name: taskNameSchema });

export function tasksRouter(services: Services) {
  const { tasks } = services;
  return router({
    list: procedure.query(() => tasks.list()),
    create: procedure.input(named).mutation(({ input }) => tasks.create(input.name)),
    rename: procedure.input(named.extend(byId.shape)).mutation(({ input }) => tasks.rename(input.id, input.name)),
    switch: procedure
      .input(z.object({ taskId: z.string(), adapterId: z.string().nullable() }))
      .mutation(({ input }) => switchAdapter(services, input)),
    remove: procedure.input(byId).mutation(({ input }) => tasks.remove(input.id)),
  });
}
