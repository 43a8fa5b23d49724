/** What was asked in the playground and answered. */
import { z } from 'zod';
import { usageError } from '../../src-shared/errors.ts';
import { newId } from '../app/home.ts';
import type { Services } from '../app/services.ts';
import { procedure, router } from './trpc.ts';

const TITLE_LENGTH = 200;

const entrySchema = z.object({
  /** Of an entry that goes on; absent: a new one. */
  id: z.string().optional(),
  modelId: z.string(),
  title: z.string(),
  request: z.object({
    mode: z.enum(['completion', 'chat']),
    compare: z.boolean(),
    blind: z.boolean(),
    system: z.string(),
    prompts: z.array(z.string()).min(1),
    sampling: z.object({
      maxNew: z.number(),
      temperature: z.number(),
      topK: z.number().optional(),
      topP: z.number().optional(),
      repetitionPenalty: z.number().optional(),
      seed: z.number().optional(),
      stop: z.array(z.string()),
    }),
  }),
  answers: z.array(
    z.object({
      by: z.string().nullable(),
      name: z.string(),
      text: z.string(),
      tokens: z.number(),
      tokensPerSecond: z.number(),
      stopReason: z.enum(['length', 'eos', 'stop', 'cancelled']),
    }),
  ),
});

export function historyRouter({ catalog }: Services) {
  const { history } = catalog.playground;
  return router({
    /** Newest first; `search` looks into what was asked and the model's name. */
    list: procedure
      .input(
        z
          .object({ search: z.string().default(''), limit: z.number().int().min(1).max(1000).default(100) })
          .default({ search: '', limit: 100 }),
      )
      .query(({ input }) => history.list(input.search.trim(), input.limit)),

    get: procedure.input(z.object({ id: z.string() })).query(({ input }) => {
      const entry = history.get(input.id);
      if (!entry)
        throw usageError(
          'HISTORY_NOT_FOUND',
          'This entry is no longer in the history; it was deleted, perhaps in another window.',
          { id: input.id },
        );
      return entry;
    }),

    save: procedure.input(entrySchema).mutation(({ input }) => {
      const id = input.id ?? newId('history');
      const model = catalog.models.get(input.modelId);
      history.save({
        ...input,
        id,
        modelId: model?.id ?? null,
        modelName: model?.name ?? 'a removed model',
        title: input.title.slice(0, TITLE_LENGTH),
        createdAt: new Date().toISOString(),
      });
      return { id };
    }),

    remove: procedure
      .input(z.object({ id: z.string() }))
      .mutation(({ input }) => ({ removed: history.remove(input.id) })),
    clear: procedure.mutation(() => ({ removed: history.clear() })),
  });
}
