/** The playground: load a base, attach an adapter, stream text. */
import { z } from 'zod';
import type { Services } from '../services.ts';
import { runSpecSchema } from '../trainer/protocol.ts';
import type { GenerateParams, GenerateResult } from '../trainer/protocol.ts';
import type { PlaygroundService } from '../jobs/playgroundService.ts';
import { streamOf } from './stream.ts';
import { procedure, router } from './trpc.ts';

export type GenerateEvent = { type: 'text'; text: string } | { type: 'done'; result: GenerateResult };

export const generateSchema = z.object({
  prompt: z.string().min(1),
  chat: z.boolean().optional(),
  maxNew: z.number().int().min(1).max(32_768).default(64),
  temperature: z.number().min(0).max(10).default(0),
  topK: z.number().int().min(1).optional(),
  topP: z.number().gt(0).max(1).optional(),
  seed: z.number().int().optional(),
  stop: z.array(z.string().min(1)).optional(),
});

export function playgroundRouter({ playground }: Services) {
  return router({
    state: procedure.query(() => playground.state),
    load: procedure.input(z.object({ modelId: z.string(), engine: runSpecSchema.shape.engine })).mutation(async ({ input }) => {
      await playground.load(input.modelId, input.engine);
      return playground.state;
    }),
    attach: procedure.input(z.object({ adapterId: z.string().nullable() })).mutation(({ input }) => playground.attach(input.adapterId)),
    /** Pieces of text, then the result. Ending the subscription cancels the generation. */
    generate: procedure.input(generateSchema).subscription(({ input, signal }) => generate(playground, input, signal)),
  });
}

async function* generate(playground: PlaygroundService, params: GenerateParams, signal: AbortSignal | undefined): AsyncGenerator<GenerateEvent, void, void> {
  const events = streamOf<GenerateEvent | { type: 'failed'; error: unknown }>(
    (listener) => {
      let over = false;
      const call = playground.generate(params, (text) => listener({ type: 'text', text }));
      call.promise
        .then((result) => listener({ type: 'done', result }), (error: unknown) => listener({ type: 'failed', error }))
        .finally(() => (over = true));
      return () => {
        if (!over) call.control('stop');
      };
    },
    { isLast: (event) => event.type !== 'text', signal },
  );
  for await (const event of events) {
    if (event.type === 'failed') throw event.error;
    yield event;
  }
}
