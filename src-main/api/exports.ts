/** Exports: adapters merged into their base as a whole model, proven, or an adapter's folder copied. */
import { exportSchema } from '../app/exports/inputs.ts';
import { byId } from '../app/inputs.ts';
import type { Services } from '../app/services.ts';
import { procedure, router } from './trpc.ts';

export function exportsRouter({ exports }: Services) {
  return router({
    list: procedure.query(() => exports.list()),
    plan: procedure.input(exportSchema).query(({ input }) => exports.plan(input)),
    /** Starts the export and returns its row at once; `watch` follows it to its end. */
    start: procedure.input(exportSchema).mutation(({ input }) => exports.startFor(input)),
    cancel: procedure.input(byId).mutation(({ input }) => exports.cancel(input.id)),
    remove: procedure.input(byId).mutation(({ input }) => exports.remove(input.id)),
    watch: procedure.input(byId).subscription(({ input, signal }) => exports.watch(input.id, signal)),
  });
}
