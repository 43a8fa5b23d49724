/** What the playground keeps: what was asked and answered, and the votes of blind comparisons. */
import { z } from 'zod';
import { byId } from '../app/inputs.ts';
import { entrySchema, searchSchema, voteSchema } from '../app/playground/inputs.ts';
import type { Services } from '../app/services.ts';
import { procedure, router } from './trpc.ts';

const ofModel = z.object({ modelId: z.string() });

export function historyRouter({ playgroundHistory: history }: Services) {
  return router({
    list: procedure.input(searchSchema).query(({ input }) => history.list(input)),
    get: procedure.input(byId).query(({ input }) => history.require(input.id)),
    save: procedure.input(entrySchema).mutation(({ input }) => history.save(input)),
    remove: procedure.input(byId).mutation(({ input }) => history.remove(input.id)),
    clear: procedure.mutation(() => history.clear()),
  });
}

export function votesRouter({ playgroundVotes: votes }: Services) {
  return router({
    scores: procedure.input(ofModel).query(({ input }) => votes.scores(input.modelId)),
    cast: procedure.input(voteSchema).mutation(({ input }) => votes.cast(input)),
    reset: procedure.input(ofModel).mutation(({ input }) => votes.reset(input.modelId)),
  });
}
