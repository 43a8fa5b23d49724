/** The playground: load a base, attach an adapter, stream text or a comparison; what was asked and voted is kept. */
import { z } from 'zod';
import { hasChatTemplate } from '../datasets/tokenizerFiles.ts';
import { usageError } from '../../src-shared/errors.ts';
import type { PlaygroundState } from '../app/playground/service.ts';
import type { WorkerCall } from '../app/workers/client.ts';
import type { Services } from '../app/services.ts';
import { runSpecSchema } from '../../src-shared/runSpec.ts';
import type { AnswerPiece, CompareEvent, GenerateResult } from '../../src-shared/generation.ts';
import { historyRouter } from './playgroundHistory.ts';
import { votesRouter } from './playgroundVotes.ts';
import { streamOf } from './stream.ts';
import { procedure, router } from './trpc.ts';

export type GenerateEvent = ({ type: 'text' } & AnswerPiece) | { type: 'done'; result: GenerateResult };
export type { CompareEvent };

/** Most columns that fit beside each other. */
const MOST_COMPARED = 4;

const messageSchema = z.object({ role: z.enum(['system', 'user', 'assistant']), content: z.string() });

export const generateSchema = z
  .object({
    prompt: z.string().default(''),
    chat: z.boolean().optional(),
    messages: z.array(messageSchema).min(1).optional(),
    maxNew: z.number().int().min(1).max(32_768).default(64),
    temperature: z.number().min(0).max(10).default(0),
    topK: z.number().int().min(1).optional(),
    topP: z.number().gt(0).max(1).optional(),
    repetitionPenalty: z.number().gt(0).max(10).optional(),
    seed: z.number().int().optional(),
    stop: z.array(z.string().min(1)).max(16).optional(),
    probabilities: z.boolean().optional(),
  })
  .refine(({ prompt, messages }) => messages || prompt !== '', { path: ['prompt'], message: 'is empty' });

const adapterId = z.string().nullable();
const compareSchema = z.intersection(
  generateSchema,
  z.object({ adapterIds: z.array(adapterId).min(1).max(MOST_COMPARED) }),
);

export function playgroundRouter(services: Services) {
  const { catalog, playground, runs } = services;
  return router({
    state: procedure.query(() => playground.state),

    /** The state as it is, then every change of it. */
    watch: procedure.subscription(({ signal }) =>
      streamOf<PlaygroundState>((listener) => playground.subscribe(listener), {
        first: [playground.state],
        isLast: () => false,
        signal,
      }),
    ),

    load: procedure
      .input(z.object({ modelId: z.string(), engine: runSpecSchema.shape.engine }))
      .mutation(async ({ input }) => {
        await playground.load(input.modelId, input.engine);
        return playground.state;
      }),

    unload: procedure.mutation(async () => {
      await playground.stop();
      playground.unload();
      return playground.state;
    }),

    /** Whether a model has a template for conversations, without loading it. */
    chat: procedure.input(z.object({ modelId: z.string() })).query(({ input }) => {
      const model = catalog.models.get(input.modelId);
      if (!model)
        throw usageError('MODEL_NOT_FOUND', `There is no base model ${input.modelId} in the catalogue.`, {
          modelId: input.modelId,
        });
      return { template: hasChatTemplate(model.dir) };
    }),

    /** A generation under way is stopped first. */
    attach: procedure.input(z.object({ adapterId })).mutation(({ input }) => playground.attach(input.adapterId)),

    /** The base of a paused run with the adapter that the pause saved. */
    attachRun: procedure
      .input(z.object({ runId: z.string() }))
      .mutation(({ input }) => playground.attachRun(runs.get(input.runId))),

    /** Pieces of text, then the result. Ending the subscription cancels the generation. */
    generate: procedure.input(generateSchema).subscription(({ input, signal }) =>
      eventsOf<GenerateEvent>(
        (listener) =>
          withEnd(
            playground.generate(input, (piece) => listener({ type: 'text', ...piece })),
            (result) => listener({ type: 'done', result }),
          ),
        signal,
      ),
    ),

    /**
     * The prompt on each adapter (null: the plain base) side by side: pieces by row, and each row's end. Ending the
     * subscription cancels all.
     */
    compare: procedure
      .input(compareSchema)
      .subscription(({ input: { adapterIds, ...params }, signal }) =>
        eventsOf<CompareEvent>((listener) => playground.compareAdapters(params, adapterIds, listener), signal),
      ),

    stop: procedure.mutation(() => playground.stop()),
    history: historyRouter(services),
    votes: votesRouter(services),
  });
}

interface Ended {
  promise: Promise<unknown>;
  control: WorkerCall<'generate'>['control'];
}

/** The call with its result told before it is over. */
function withEnd({ promise, control }: WorkerCall<'generate'>, tell: (result: GenerateResult) => void): Ended {
  return { promise: promise.then(tell), control };
}

/** What a call tells, until it is over; a caller that goes away stops it. */
async function* eventsOf<E>(
  start: (listener: (event: E) => void) => Ended,
  signal: AbortSignal | undefined,
): AsyncGenerator<E, void, void> {
  type Told = { event: E } | { over: true; error?: unknown };
  const told = streamOf<Told>(
    (listener) => {
      let over = false;
      const call = start((event) => listener({ event }));
      call.promise
        .then(
          () => listener({ over: true }),
          (error: unknown) => listener({ over: true, error }),
        )
        .finally(() => (over = true));
      return () => {
        if (!over) call.control('stop');
      };
    },
    { isLast: (one) => 'over' in one, signal },
  );
  for await (const one of told) {
    if ('event' in one) yield one.event;
    else if (one.error !== undefined) throw one.error;
  }
}
