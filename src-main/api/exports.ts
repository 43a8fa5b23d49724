/**
 * Exports: adapters merged into their base as a whole checkpoint with a parity certificate, or an adapter's folder
 * copied.
 */
import { z } from 'zod';
import { exportDtypeSchema, exportInputSchema } from '../app/exports/service.ts';
import type { ExportEvent, ExportInput } from '../app/exports/service.ts';
import type { Services } from '../app/services.ts';
import { streamOf } from './stream.ts';
import { procedure, router } from './trpc.ts';

/** One adapter by its id alone, or a list with scales. */
const requestSchema = z.union([
  exportInputSchema,
  z.object({
    kind: z.enum(['merged', 'adapter']).default('merged'),
    adapterId: z.string(),
    outDir: z.string().min(1),
    dtype: exportDtypeSchema.optional(),
  }),
]);

function inputOf(request: z.output<typeof requestSchema>): ExportInput {
  if ('adapters' in request) return request;
  const { adapterId, ...rest } = request;
  return { ...rest, adapters: [{ adapterId, scale: 1 }] };
}

const byId = z.object({ id: z.string() });

export function exportsRouter({ exports }: Services) {
  return router({
    /** Newest first. */
    list: procedure.query(() => exports.list()),

    /** The files that would be written with their sizes, the free space, and why it cannot be done. */
    plan: procedure.input(requestSchema).query(({ input }) => exports.plan(inputOf(input))),

    /** Starts the export and returns its row at once; `watch` follows it to its end. */
    start: procedure.input(requestSchema).mutation(({ input }) => exports.startFor(inputOf(input))),

    /** Ends an export under way; nothing half-written stays. */
    cancel: procedure.input(byId).mutation(({ input }) => exports.cancel(input.id)),

    /** Out of the history; the exported folder stays. */
    remove: procedure.input(byId).mutation(({ input }) => {
      exports.remove(input.id);
      return { removed: input.id };
    }),

    /** The row as it is, progress, and the row at the end (completed, or failed with its error). */
    watch: procedure.input(byId).subscription(({ input, signal }) => {
      const record = exports.get(input.id);
      return streamOf<ExportEvent>((listener) => exports.subscribe(input.id, listener), {
        first: [{ type: 'status', record }],
        isLast: (event) => event.type === 'status' && event.record.status !== 'running',
        signal,
      });
    }),
  });
}
