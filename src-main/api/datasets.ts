/** Datasets: checked, registered, renamed, removed; rows, previews and versions have files of their own. */
import { z } from 'zod';
import { addSchema, checkSchema, setMapSchema, sourceSchema } from '../app/datasets/inputs.ts';
import { byId, nameSchema } from '../app/inputs.ts';
import type { Services } from '../app/services.ts';
import { rowProcedures } from './datasetRows.ts';
import { sourceProcedures } from './datasetSources.ts';
import { versionProcedures } from './datasetVersions.ts';
import { procedure, router } from './trpc.ts';

export function datasetsRouter(services: Services) {
  const { datasets } = services;
  return router({
    ...rowProcedures(services),
    ...versionProcedures(services),
    ...sourceProcedures(services),

    list: procedure.query(() => datasets.list()),
    check: procedure.input(checkSchema).query(({ input }) => datasets.check(input)),
    /** Progress in bytes, until the file is open for looking at. */
    open: procedure.input(sourceSchema).subscription(({ input, signal }) => datasets.open(input, signal)),
    look: procedure.input(sourceSchema).query(({ input, signal }) => datasets.look(input, signal)),
    shape: procedure.input(sourceSchema).query(({ input }) => datasets.shape(input)),
    mapped: procedure.input(sourceSchema).query(({ input }) => datasets.mapped(input)),
    add: procedure.input(addSchema).mutation(({ input }) => datasets.add(input)),
    rename: procedure
      .input(byId.extend({ name: nameSchema }))
      .mutation(({ input }) => datasets.rename(input.id, input.name)),
    setMap: procedure.input(setMapSchema).mutation(({ input }) => datasets.setMap(input)),
    allowBadRows: procedure
      .input(byId.extend({ allow: z.boolean() }))
      .mutation(({ input }) => datasets.allowBadRows(input.id, input.allow)),
    remove: procedure.input(byId).mutation(({ input }) => datasets.remove(input.id)),
    bringBack: procedure.input(byId).mutation(({ input }) => datasets.bringBack(input.id)),
  });
}
