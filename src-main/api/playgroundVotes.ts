/** The score of blind comparisons, per base model. */
import { z } from 'zod';
import type { Outcome } from '../catalog/playground.ts';
import { usageError } from '../../src-shared/errors.ts';
import type { Services } from '../app/services.ts';
import { procedure, router } from './trpc.ts';

const byModel = z.object({ modelId: z.string() });

const voteSchema = byModel.extend({
  /** Who took part; null: the plain base. */
  adapterIds: z.array(z.string().nullable()).min(2),
  /** Index of the best; null: a tie. */
  best: z.number().int().min(0).nullable(),
});

export function votesRouter({ catalog }: Services) {
  const { votes } = catalog.playground;
  return router({
    scores: procedure.input(byModel).query(({ input }) => votes.scores(input.modelId)),

    /** Everyone ties, or one wins and the others lose; returns the new score. */
    cast: procedure.input(voteSchema).mutation(({ input: { modelId, adapterIds, best } }) => {
      if (!catalog.models.get(modelId))
        throw usageError('MODEL_NOT_FOUND', `There is no base model ${modelId} in the catalogue.`, { modelId });
      const unknown = adapterIds.find((id) => id !== null && !catalog.adapters.get(id));
      if (unknown !== undefined)
        throw usageError(
          'ADAPTER_NOT_FOUND',
          `There is no adapter ${unknown} in the catalogue any more; compare again without it.`,
          { adapterId: unknown },
        );
      const outcome = (i: number): Outcome => (best === null ? 'tied' : i === best ? 'won' : 'lost');
      votes.cast(
        modelId,
        adapterIds.map((adapterId, i) => ({ adapterId, outcome: outcome(i) })),
        new Date().toISOString(),
      );
      return votes.scores(modelId);
    }),

    reset: procedure.input(byModel).mutation(({ input }) => {
      votes.reset(input.modelId);
      return votes.scores(input.modelId);
    }),
  });
}
