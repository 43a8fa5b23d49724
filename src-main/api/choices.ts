/** Choices between answers of the playground, and the datasets made of them. */
import { choiceKindSchema, editSchema, markSchema } from '../app/choices/inputs.ts';
import type { Services } from '../app/services.ts';
import { procedure, router } from './trpc.ts';

export function choicesRouter({ choices }: Services) {
  return router({
    counts: procedure.query(() => choices.counts()),
    edit: procedure.input(editSchema).mutation(({ input }) => choices.edit(input)),
    mark: procedure.input(markSchema).mutation(({ input }) => choices.mark(input)),
    makeDataset: procedure.input(choiceKindSchema).mutation(({ input }) => choices.makeDataset(input.kind)),
    clear: procedure.input(choiceKindSchema).mutation(({ input }) => choices.clear(input.kind)),
  });
}
