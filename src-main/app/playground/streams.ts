/** The playground's answers as streams of events; a caller that goes away stops the work. */
import type { AnswerPiece, CompareEvent, GenerateParams, GenerateResult } from '../../../src-shared/generation.ts';
import { streamOf, streamOfCall } from '../events/stream.ts';
import type { PlaygroundService } from './service.ts';
import type { PlaygroundState } from './state.ts';

export type GenerateEvent = ({ type: 'text' } & AnswerPiece) | { type: 'done'; result: GenerateResult };
export type { CompareEvent };

/** The state as it is, then every change of it. */
export function watchState(
  playground: PlaygroundService,
  signal?: AbortSignal,
): AsyncGenerator<PlaygroundState, void, void> {
  return streamOf<PlaygroundState>((listener) => playground.subscribe(listener), {
    first: [playground.state],
    isLast: () => false,
    signal,
  });
}

/** Pieces of text, then the result. */
export function streamText(
  playground: PlaygroundService,
  params: GenerateParams,
  signal?: AbortSignal,
): AsyncGenerator<GenerateEvent, void, void> {
  return streamOfCall<GenerateEvent>((tell) => {
    const { promise, control } = playground.generate(params, (piece) => tell({ type: 'text', ...piece }));
    return { ended: promise.then((result) => tell({ type: 'done', result })), stop: () => control('stop') };
  }, signal);
}

/** The prompt on each adapter (null: the plain base) side by side: pieces by row, and each row's end. */
export function streamComparison(
  playground: PlaygroundService,
  { adapterIds, ...params }: GenerateParams & { adapterIds: (string | null)[] },
  signal?: AbortSignal,
): AsyncGenerator<CompareEvent, void, void> {
  return streamOfCall<CompareEvent>((tell) => {
    const { promise, control } = playground.compareAdapters(params, adapterIds, tell);
    return { ended: promise, stop: () => control('stop') };
  }, signal);
}
