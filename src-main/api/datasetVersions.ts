/** Versions of a dataset: listed, made by edits or a recipe, chosen, and taken in where the user's file has changed. */
import { z } from 'zod';
import { recipeOfSchema, saveVersionSchema, versionSchema } from '../app/datasets/inputs.ts';
import { byId } from '../app/inputs.ts';
import type { Services } from '../app/services.ts';
import { procedure } from './trpc.ts';

const oneVersion = byId.extend({ version: z.number().int().min(1) });
const elsewhere = byId.extend({ file: z.string().min(1) });

export function versionProcedures({ datasetVersions: versions, datasetRecipes: recipes }: Services) {
  return {
    versions: procedure.input(byId).query(({ input }) => versions.list(input.id)),
    saveVersion: procedure.input(saveVersionSchema).mutation(({ input }) => versions.save(input)),
    withoutDuplicates: procedure.input(versionSchema).mutation(({ input }) => versions.withoutDuplicates(input)),
    withoutBadRows: procedure.input(versionSchema).mutation(({ input }) => versions.withoutBadRows(input)),
    // Not a query, whose input is part of an address: a recipe may be long.
    previewRecipe: procedure.input(recipeOfSchema).mutation(({ input, signal }) => recipes.preview(input, signal)),
    noteRecipe: procedure.input(recipeOfSchema).mutation(({ input }) => recipes.note(input)),
    /** Rows that are done, then the new version; leaving it calls the work off. */
    prepare: procedure
      .input(z.object({ job: z.string() }))
      .subscription(({ input, signal }) => recipes.carryOut(input.job, signal)),
    useVersion: procedure.input(oneVersion).mutation(({ input }) => versions.use(input.id, input.version)),
    takeChanged: procedure.input(byId).mutation(({ input }) => versions.takeChanged(input.id)),
    relocate: procedure.input(elsewhere).mutation(({ input }) => versions.relocate(input.id, input.file)),
  };
}
