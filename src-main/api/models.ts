/** Base models: registered by folder, read in place, never copied. */
import { z } from 'zod';
import { methodSchema } from '../../src-shared/methods/registry.ts';
import type { Services } from '../app/services.ts';
import { byId, nameSchema } from '../app/inputs.ts';
import { procedure, router } from './trpc.ts';

const byDir = z.object({ dir: z.string().min(1) });

export function modelsRouter({ models, plans }: Services) {
  return router({
    list: procedure.query(() => models.list()),
    inspect: procedure.input(byDir).query(({ input, signal }) => models.inspect(input.dir, signal)),
    add: procedure.input(byDir.extend({ name: nameSchema.optional() })).mutation(({ input }) => models.add(input)),
    relocate: procedure.input(byDir.extend(byId.shape)).mutation(({ input }) => models.relocate(input)),
    trainable: procedure
      .input(z.object({ modelId: z.string(), method: methodSchema }))
      .query(({ input }) => models.trainable(input)),
    matrices: procedure.input(byId).query(({ input }) => models.matrices(input.id)),
    /** Estimated memory on each engine. */
    needs: procedure.input(byId).query(({ input }) => plans.needs(input.id)),
    /** In which form one of the recommended models could be trained here. */
    recommendedFit: procedure
      .input(z.object({ repository: z.string() }))
      .query(({ input }) => plans.recommendedFit(input.repository)),
    /** Tries the tokenizer out. */
    tokenizer: procedure.input(byId).query(({ input }) => plans.tokenizer(input.id)),
    uses: procedure.input(byId).query(({ input }) => models.uses(input.id)),
    /** What other programs have on this machine. */
    found: procedure.query(() => models.found()),
    remove: procedure.input(byId).mutation(({ input }) => models.remove(input.id)),
  });
}
