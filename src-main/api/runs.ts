/** Training runs: start, watch, stop, pause, continue, resume. */
import { z } from 'zod';
import { isOver } from '../jobs/runService.ts';
import type { RunEvent } from '../jobs/runService.ts';
import { startRunSchema } from '../jobs/runInput.ts';
import type { Services } from '../services.ts';
import { streamOf } from './stream.ts';
import { procedure, router } from './trpc.ts';

const byId = z.object({ id: z.string() });

export function runsRouter({ catalog, runs }: Services) {
  return router({
    /** Newest first. */
    list: procedure.query(() => runs.list()),
    get: procedure.input(byId).query(({ input }) => runs.get(input.id)),
    start: procedure.input(startRunSchema).mutation(({ input }) => runs.start(input)),

    /** Metrics of the steps after `afterStep`, and all validation losses. */
    metrics: procedure.input(byId.extend({ afterStep: z.number().int().min(0).default(0) })).query(({ input }) => {
      runs.get(input.id);
      return { steps: catalog.metrics.after(input.id, input.afterStep), evaluations: catalog.metrics.evaluations(input.id) };
    }),

    /**
     * The same, column by column: at most `maxPoints` steps after `afterStep` (`more` says whether there are others), and the
     * validation losses after the step `afterEvaluation`. Asked again with the last step it is what is new.
     */
    series: procedure
      .input(
        byId.extend({
          afterStep: z.number().int().min(0).default(0),
          afterEvaluation: z.number().int().min(-1).default(-1),
          maxPoints: z.number().int().min(1).max(200_000).default(20_000),
        }),
      )
      .query(({ input }) => {
        runs.get(input.id);
        return catalog.metrics.series(input.id, input.afterStep, input.afterEvaluation, input.maxPoints);
      }),

    /** The run as it is, then every event, until it is over. */
    watch: procedure.input(byId).subscription(({ input, signal }) => {
      const run = runs.get(input.id);
      return streamOf<RunEvent>((listener) => runs.subscribe(input.id, listener), {
        first: [{ type: 'status', run }],
        isLast: (event) => event.type === 'status' && isOver(event.run),
        signal,
      });
    }),

    stop: procedure.input(byId).mutation(({ input }) => runs.stop(input.id)),
    pause: procedure.input(byId).mutation(({ input }) => runs.pause(input.id)),
    continue: procedure.input(byId).mutation(({ input }) => runs.continue(input.id)),
    resume: procedure.input(byId).mutation(({ input }) => runs.resume(input.id)),
  });
}
