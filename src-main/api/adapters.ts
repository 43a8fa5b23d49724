/** Adapters: listed, described, compared, imported, and deleted by way of the trash. */
import { z } from 'zod';
import { changesSchema, importSchema } from '../app/adapters/inputs.ts';
import type { Services } from '../app/services.ts';
import { byId, byIds } from '../app/inputs.ts';
import { procedure, router } from './trpc.ts';

const ofTask = z.object({ taskId: z.string().optional() }).default({});

export function adaptersRouter({ adapters, adapterRemoval: removal }: Services) {
  return router({
    list: procedure.input(ofTask).query(({ input }) => adapters.list(input.taskId)),
    get: procedure.input(byId).query(({ input }) => adapters.view(input.id)),
    details: procedure.input(byId).query(({ input }) => adapters.details(input.id)),
    compare: procedure.input(byIds).query(({ input }) => adapters.compare(input.ids)),
    update: procedure
      .input(changesSchema.extend(byId.shape))
      .mutation(({ input: { id, ...changes } }) => adapters.update(id, changes)),
    inspect: procedure
      .input(importSchema.pick({ dir: true, alpha: true }))
      .query(({ input, signal }) => adapters.inspect(input, signal)),
    import: procedure.input(importSchema).mutation(({ input }) => adapters.import(input)),

    trash: procedure.input(byIds).mutation(({ input }) => removal.trash(input.ids)),
    listTrash: procedure.query(() => removal.listTrash()),
    restore: procedure.input(byIds).mutation(({ input }) => removal.restore(input.ids)),
    purge: procedure.input(byIds).mutation(({ input }) => removal.purge(input.ids)),
    remove: procedure.input(byId).mutation(({ input }) => removal.remove(input.id)),
  });
}
