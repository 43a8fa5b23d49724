/** Exports: an adapter merged into its base as a whole checkpoint, with a parity certificate. */
import { z } from 'zod';
import { exportDtypeSchema } from '../jobs/exportService.ts';
import type { ExportEvent } from '../jobs/exportService.ts';
import type { Services } from '../services.ts';
import { streamOf } from './stream.ts';
import { procedure, router } from './trpc.ts';

export function exportsRouter({ exports }: Services) {
  return router({
    /** Newest first. */
    list: procedure.query(() => exports.list()),

    /** Starts the export and returns its row at once; `watch` follows it to its end. */
    start: procedure
      .input(z.object({ adapterId: z.string(), outDir: z.string().min(1), dtype: exportDtypeSchema.optional() }))
      .mutation(({ input }) => exports.startFor(input)),

    /** The row as it is, progress, and the row at the end (completed, or failed with its error). */
    watch: procedure.input(z.object({ id: z.string() })).subscription(({ input, signal }) => {
      const record = exports.get(input.id);
      return streamOf<ExportEvent>((listener) => exports.subscribe(input.id, listener), {
        first: [{ type: 'status', record }],
        isLast: (event) => event.type === 'status' && event.record.status !== 'running',
        signal,
      });
    }),
  });
}
