/** The service of answers over HTTP. */
import { startServingSchema } from '../app/serving/inputs.ts';
import type { Services } from '../app/services.ts';
import { procedure, router } from './trpc.ts';

export function servingRouter({ serving }: Services) {
  return router({
    state: procedure.query(() => serving.state),
    watch: procedure.subscription(({ signal }) => serving.watch(signal)),
    start: procedure.input(startServingSchema).mutation(({ input }) => serving.start(input)),
    stop: procedure.mutation(() => serving.stop()),
  });
}
