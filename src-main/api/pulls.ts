/** Hugging Face's hub: models fetched from it, and the user's token. Nothing here is asked unless the user asks. */
import { byId } from '../app/inputs.ts';
import { pullSchema, startPullSchema, tokenSchema } from '../app/pulls/inputs.ts';
import type { Services } from '../app/services.ts';
import { procedure, router } from './trpc.ts';

export function pullsRouter({ pulls, hubTokens }: Services) {
  return router({
    list: procedure.query(() => pulls.list()),
    /** Asks the hub for licence, files and sizes. */
    plan: procedure.input(pullSchema).query(({ input, signal }) => pulls.plan(input, signal)),
    /** Starts it, or goes on with it; `watch` follows it to its end. */
    start: procedure.input(startPullSchema).mutation(({ input }) => pulls.start(input)),
    cancel: procedure.input(byId).mutation(({ input }) => pulls.cancel(input.id)),
    discard: procedure.input(byId).mutation(({ input }) => pulls.discard(input.id)),
    watch: procedure.input(byId).subscription(({ input, signal }) => pulls.watch(input.id, signal)),
    /** Keeps a token; it is never given out again. */
    keepToken: procedure.input(tokenSchema).mutation(({ input }) => ({ place: hubTokens.keep(input.token) })),
  });
}
