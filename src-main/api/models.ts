/** Base models: registered by folder, read in place, never copied. */
import path from 'node:path';
import { z } from 'zod';
import { usageError } from '../errors.ts';
import { newId } from '../home.ts';
import { readModel } from '../jobs/readModel.ts';
import { trainableIn } from '../jobs/trainable.ts';
import type { Services } from '../services.ts';
import { methodSchema } from '../trainer/methodSettings.ts';
import { procedure, router } from './trpc.ts';

export function modelsRouter({ catalog }: Services) {
  return router({
    list: procedure.query(() => catalog.models.list()),

    /** Facts about a folder, without registering it. */
    inspect: procedure.input(z.object({ dir: z.string().min(1) })).query(({ input }) => readModel(input.dir)),

    /** Registers a folder; one that is registered already is brought up to date. */
    add: procedure.input(z.object({ dir: z.string().min(1), name: z.string().trim().min(1).max(120).optional() })).mutation(({ input }) => {
      const details = readModel(input.dir);
      const known = catalog.models.byDir(details.dir);
      return catalog.models.save({
        ...details,
        id: known?.id ?? newId('model'),
        name: input.name ?? known?.name ?? path.basename(details.dir),
        createdAt: known?.createdAt ?? new Date().toISOString(),
      });
    }),

    /** What a method would train on a registered model: count, formula, share of the base, bytes on disk. */
    trainable: procedure.input(z.object({ modelId: z.string(), method: methodSchema })).query(({ input }) => {
      const model = catalog.models.get(input.modelId);
      if (!model) throw usageError('MODEL_NOT_FOUND', `There is no base model ${input.modelId} in the catalogue.`, { modelId: input.modelId });
      return trainableIn(model.dir, input.method);
    }),

    /** Forgets a model; its folder is left alone. */
    remove: procedure.input(z.object({ id: z.string() })).mutation(({ input }) => {
      if (!catalog.models.remove(input.id)) throw usageError('MODEL_NOT_FOUND', `There is no base model ${input.id} in the catalogue.`, { modelId: input.id });
      return { removed: input.id };
    }),
  });
}
