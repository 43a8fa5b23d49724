/** The lab: what adapters learnt, and new ones made of them. */
import {
  composeSchema,
  compressSchema,
  gridSchema,
  jobSchema,
  lookSchema,
  withoutIntrudersSchema,
} from '../app/lab/inputs.ts';
import type { Services } from '../app/services.ts';
import { procedure, router } from './trpc.ts';

export function labRouter({ lab }: Services) {
  return router({
    /** Progress and the answer of one tool; the answer alone where it is kept. */
    look: procedure.input(lookSchema).subscription(({ input, signal }) => lab.look(input, signal)),
    kept: procedure.input(lookSchema).query(({ input }) => lab.kept(input)),
    /** Of one matrix of two adapters that have been compared. */
    grid: procedure.input(gridSchema).query(({ input }) => lab.grid(input)),
    /** Start at once; `watch` follows them. */
    compress: procedure.input(compressSchema).mutation(({ input }) => lab.compress(input)),
    compose: procedure.input(composeSchema).mutation(({ input }) => lab.compose(input)),
    withoutIntruders: procedure.input(withoutIntrudersSchema).mutation(({ input }) => lab.withoutIntruders(input)),
    watch: procedure.input(jobSchema).subscription(({ input, signal }) => lab.watch(input.job, signal)),
    cancel: procedure.input(jobSchema).mutation(({ input }) => lab.cancel(input.job)),
  });
}
