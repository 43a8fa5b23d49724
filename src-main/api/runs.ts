/** Training runs: start, queue, watch, pause, stop, resume, remove, carry elsewhere. */
import { z } from 'zod';
import { exportJobSchema, importJobSchema } from '../app/away/inputs.ts';
import { byId, nameSchema } from '../app/inputs.ts';
import { canExtend, extend, extendSchema } from '../app/runs/extend.ts';
import { annotateSchema, archiveSchema, startRunSchema, startTimeSchema } from '../app/runs/input.ts';
import { rollBack, rollBackSchema } from '../app/runs/rollBack.ts';
import { watchRun, watchRuns } from '../app/runs/watch.ts';
import type { Services } from '../app/services.ts';
import { runHistoryProcedures } from './runHistory.ts';
import { procedure, router } from './trpc.ts';

const allIds = z.object({ ids: z.array(z.string()) });

export function runsRouter(services: Services) {
  const { runs, jobs } = services;
  return router({
    list: procedure.query(() => runs.list()),
    queue: procedure.query(() => runs.queue()),
    get: procedure.input(byId).query(({ input }) => runs.require(input.id)),
    start: procedure.input(startRunSchema).mutation(({ input }) => runs.start(input)),
    preflight: procedure.input(startRunSchema).mutation(({ input }) => runs.preflight(input)),
    watch: procedure.input(byId).subscription(({ input, signal }) => watchRun(runs, input.id, signal)),
    watchAll: procedure.subscription(({ signal }) => watchRuns(runs, signal)),

    stop: procedure.input(byId).mutation(({ input }) => runs.stop(input.id)),
    pause: procedure.input(byId).mutation(({ input }) => runs.pause(input.id)),
    continue: procedure.input(byId).mutation(({ input }) => runs.continue(input.id)),
    resume: procedure.input(byId).mutation(({ input }) => runs.resume(input.id)),
    schedule: procedure
      .input(byId.extend({ notBefore: startTimeSchema }))
      .mutation(({ input }) => runs.schedule(input.id, input.notBefore)),
    reorder: procedure.input(allIds).mutation(({ input }) => runs.reorder(input.ids)),
    rename: procedure
      .input(byId.extend({ name: nameSchema }))
      .mutation(({ input }) => runs.rename(input.id, input.name)),
    annotate: procedure.input(annotateSchema).mutation(({ input }) => runs.annotate(input)),
    archive: procedure.input(archiveSchema).mutation(({ input }) => runs.archive(input)),
    remove: procedure.input(byId).mutation(({ input }) => runs.remove(input.id)),
    extend: procedure.input(extendSchema).mutation(({ input }) => extend(services, input)),
    canExtend: procedure.input(byId).query(({ input }) => canExtend(runs.require(input.id))),
    rollBack: procedure.input(rollBackSchema).mutation(({ input }) => rollBack(services, input)),

    exportJob: procedure.input(exportJobSchema).mutation(({ input: { id, ...job } }) => jobs.export(id, job)),
    importJob: procedure.input(importJobSchema).mutation(({ input }) => jobs.import(input.dir)),

    ...runHistoryProcedures(services),
  });
}
