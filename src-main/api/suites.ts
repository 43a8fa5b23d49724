/** Suites: fixed questions by which base models and adapters are measured and compared. */
import { z } from 'zod';
import { byId } from '../app/inputs.ts';
import { judgeSuiteSchema } from '../../src-shared/judge.ts';
import type { Services } from '../app/services.ts';
import { addSuiteSchema, compareSuiteSchema, runSuiteSchema } from '../app/suites/inputs.ts';
import { procedure, router } from './trpc.ts';

export function suitesRouter({ suites, suiteJudge }: Services) {
  return router({
    list: procedure.query(() => suites.list()),
    /** By id or by name. */
    get: procedure.input(byId).query(({ input }) => suites.get(input.id)),
    questions: procedure
      .input(byId.extend({ count: z.number().int().min(1).max(200).optional() }))
      .query(({ input }) => suites.questions(input.id, input.count)),
    add: procedure.input(addSuiteSchema).mutation(({ input }) => suites.add(input)),
    /** Has the new adapters of a task measured as soon as they are trained. */
    measureAfter: procedure
      .input(byId.extend({ taskId: z.string().nullable() }))
      .mutation(({ input }) => suites.measureAfter(input.id, input.taskId)),
    remove: procedure.input(byId).mutation(({ input }) => suites.remove(input.id)),
    /** Starts at once; `watch` follows it. */
    run: procedure.input(runSuiteSchema).mutation(({ input }) => suites.run(input)),
    watch: procedure.input(byId).subscription(({ input, signal }) => suites.watch(input.id, signal)),
    cancel: procedure.input(byId).mutation(({ input }) => suites.cancel(input.id)),
    /** A model chooses between the answers of two subjects; starts at once, `watchJudge` ends with its report. */
    judge: procedure.input(judgeSuiteSchema).mutation(({ input }) => suiteJudge.start(input)),
    watchJudge: procedure.input(byId).subscription(({ input, signal }) => suiteJudge.watch(input.id, signal)),
    cancelJudge: procedure.input(byId).mutation(({ input }) => suiteJudge.cancel(input.id)),
    /** What speaks against a switch of a task's active adapter. */
    regressions: procedure
      .input(z.object({ taskId: z.string(), adapterId: z.string().nullable() }))
      .query(({ input }) => suites.regressions(input.taskId, input.adapterId)),
    compare: procedure.input(compareSuiteSchema).query(({ input }) => suites.compare(input)),
  });
}
