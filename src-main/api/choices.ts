/** Choices between answers of the playground, and the datasets made of them. */
import {
  choiceKindSchema,
  choiceVoteSchema,
  drawPromptsSchema,
  editSchema,
  markSchema,
} from '../app/choices/inputs.ts';
import type { Services } from '../app/services.ts';
import { procedure, router } from './trpc.ts';

export function choicesRouter({ choices }: Services) {
  return router({
    counts: procedure.query(() => choices.counts()),
    prompts: procedure.input(drawPromptsSchema).query(({ input }) => choices.prompts(input)),
    vote: procedure
      .input(choiceVoteSchema)
      .mutation(({ input: { prompt, answers, best } }) => choices.vote(prompt, answers, best)),
    edit: procedure.input(editSchema).mutation(({ input }) => choices.edit(input)),
    mark: procedure.input(markSchema).mutation(({ input }) => choices.mark(input)),
    makeDataset: procedure.input(choiceKindSchema).mutation(({ input }) => choices.makeDataset(input.kind)),
    clear: procedure.input(choiceKindSchema).mutation(({ input }) => choices.clear(input.kind)),
  });
}
