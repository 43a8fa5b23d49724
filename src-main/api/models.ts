/** Base models: registered by folder, read in place, never copied. */
import path from 'node:path';
import { z } from 'zod';
import type { RegisteredModel } from '../catalog/models.ts';
import { GraftError, usageError } from '../../src-shared/errors.ts';
import { newId } from '../app/home.ts';
import { findModels } from '../app/models/find.ts';
import { viewModel } from '../app/models/state.ts';
import { readModel } from '../app/models/read.ts';
import { matricesOf, trainableIn } from '../app/runs/trainable.ts';
import type { Services } from '../app/services.ts';
import { methodSchema } from '../../src-shared/methodSettings.ts';
import { procedure, router } from './trpc.ts';

const byId = z.object({ id: z.string() });

export function modelsRouter({ catalog, plans }: Services) {
  const find = (id: string): RegisteredModel => {
    const model = catalog.models.get(id);
    if (!model)
      throw usageError('MODEL_NOT_FOUND', `There is no base model ${id} in the catalogue; add its folder first.`, {
        modelId: id,
      });
    return model;
  };

  return router({
    /** In the order in which they were added, each with whether its folder is still what it was. */
    list: procedure.query(() => catalog.models.list().map((model) => viewModel(model, catalog.models.save))),

    /** Facts about a folder, without registering it. */
    inspect: procedure.input(z.object({ dir: z.string().min(1) })).query(({ input }) => readModel(input.dir)),

    /** Registers a folder; one that is registered already is brought up to date. */
    add: procedure
      .input(z.object({ dir: z.string().min(1), name: z.string().trim().min(1).max(120).optional() }))
      .mutation(({ input }) => {
        const details = readModel(input.dir);
        const known = catalog.models.byDir(details.dir);
        return catalog.models.save({
          ...details,
          id: known?.id ?? newId('model'),
          name: input.name ?? known?.name ?? path.basename(details.dir),
          createdAt: known?.createdAt ?? new Date().toISOString(),
        });
      }),

    /**
     * The model lies in another folder now. Throws MODEL_DIFFERENT where that holds other weights, MODEL_EXISTS where
     * it is registered.
     */
    relocate: procedure.input(byId.extend({ dir: z.string().min(1) })).mutation(({ input }) => {
      const model = find(input.id);
      const details = readModel(input.dir);
      if (details.hash !== model.hash) {
        throw new GraftError(
          'MODEL_DIFFERENT',
          `${details.dir} holds other weights than ${model.name}, so its adapters would not fit; choose the ` +
            'folder that was moved, or add this one as another model.',
          { dir: details.dir, modelId: model.id },
        );
      }
      const other = catalog.models.byDir(details.dir);
      if (other && other.id !== model.id)
        throw new GraftError(
          'MODEL_EXISTS',
          `${details.dir} is in the list already, as ${other.name}; remove one of the two.`,
          { modelId: other.id, dir: details.dir },
        );
      return catalog.models.relocate({ ...model, ...details });
    }),

    /** What a method would train on a registered model: count, formula, share of the base, bytes on disk. */
    trainable: procedure
      .input(z.object({ modelId: z.string(), method: methodSchema }))
      .query(({ input }) => trainableIn(find(input.modelId).dir, input.method)),

    /** Sizes of the matrices that can be adapted, the same in every layer. */
    matrices: procedure.input(byId).query(({ input }) => matricesOf(find(input.id).dir)),

    /** Estimated memory on each engine. */
    needs: procedure.input(byId).query(({ input }) => plans.needs(find(input.id).dir)),

    /** Tries the tokenizer out. */
    tokenizer: procedure.input(byId).query(({ input }) => plans.tokenizer(find(input.id).dir)),

    /** Adapters and runs that name this model as their base. */
    uses: procedure.input(byId).query(({ input }) => {
      const adapters = catalog.adapters.list().filter(({ modelId }) => modelId === input.id);
      const runs = catalog.runs.list().filter(({ modelId }) => modelId === input.id);
      return {
        adapters: adapters.map(({ id, name }) => ({ id, name })),
        runs: runs.map(({ id, name, status }) => ({ id, name, status })),
      };
    }),

    /** Checkpoints of other programs on this machine that are not in the list. */
    suggestions: procedure.query(() => {
      const known = new Set(catalog.models.list().map(({ dir }) => dir));
      return findModels().filter(({ dir }) => !known.has(dir));
    }),

    /** Forgets a model; its folder is left alone. */
    remove: procedure.input(byId).mutation(({ input }) => {
      if (!catalog.models.remove(input.id))
        throw usageError('MODEL_NOT_FOUND', `There is no base model ${input.id} in the catalogue.`, {
          modelId: input.id,
        });
      return { removed: input.id };
    }),
  });
}
