/** The playground: load a base, attach an adapter, stream text or a comparison. */
import { z } from 'zod';
import { compareSchema, generateSchema, loadSchema, mixSchema } from '../app/playground/inputs.ts';
import { streamComparison, streamText, watchState } from '../app/playground/streams.ts';
import type { Services } from '../app/services.ts';
import { historyRouter, votesRouter } from './playgroundRecords.ts';
import { procedure, router } from './trpc.ts';

const ofModel = z.object({ modelId: z.string() });
const ofAdapter = z.object({ adapterId: z.string().nullable() });
const ofRun = z.object({ runId: z.string() });

export function playgroundRouter(services: Services) {
  const { models, playground, runs } = services;
  return router({
    state: procedure.query(() => playground.state),
    watch: procedure.subscription(({ signal }) => watchState(playground, signal)),
    load: procedure
      .input(loadSchema)
      .mutation(({ input }) => playground.load(input.modelId, input.engine).then(() => playground.state)),
    unload: procedure.mutation(() => playground.stopAndUnload()),
    chat: procedure
      .input(ofModel)
      .query(async ({ input }) => ({ template: await models.hasChatTemplate(input.modelId) })),
    attach: procedure.input(ofAdapter).mutation(({ input }) => playground.attach(input.adapterId)),
    /** The base of a paused run with the adapter that the pause saved. */
    attachRun: procedure.input(ofRun).mutation(({ input }) => playground.attachRun(runs.require(input.runId))),
    /** Two adapters on the base at once. */
    mix: procedure.input(mixSchema).mutation(({ input }) => playground.mix(input.adapterIds, input.share)),
    generate: procedure
      .input(generateSchema)
      .subscription(({ input, signal }) => streamText(playground, input, signal)),
    compare: procedure
      .input(compareSchema)
      .subscription(({ input, signal }) => streamComparison(playground, input, signal)),
    stop: procedure.mutation(() => playground.stop()),
    history: historyRouter(services),
    votes: votesRouter(services),
  });
}
