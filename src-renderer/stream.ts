/** Failures as the sentence to show, and subscriptions whose first failure is final. No host is known here. */
import { TRPCClientError } from '@trpc/client';

/** What a page does with a subscription's events. `failed` and `done` are each the last call. */
export interface StreamHandlers<T> {
  data: (value: T) => void;
  failed: (sentence: string) => void;
  done: () => void;
}

/**
 * Handlers in the shape the tRPC client wants. Its event-source link answers a server error by
 * connecting again without end; here an error is final, so the first one ends the stream.
 */
export function streamOptions<T>(handlers: StreamHandlers<T>, end: () => void) {
  return {
    onData: handlers.data,
    onError: (error: unknown) => handlers.failed(errorSentence(error)),
    onComplete: handlers.done,
    onConnectionStateChange: (state: { state: string; error?: unknown }) => {
      if (state.state !== 'connecting' || !state.error) return;
      end();
      handlers.failed(errorSentence(state.error));
    },
  };
}

interface GraftShape {
  graft?: { code?: string; message?: string; details?: Record<string, unknown> };
}

/** The one sentence of a GraftError that crossed the boundary, or the best there is. */
export function errorSentence(error: unknown): string {
  if (error instanceof TRPCClientError) {
    const data: GraftShape | undefined = error.data ?? undefined;
    if (data?.graft?.message) return data.graft.message;
    // No error shape: the request never reached the router.
    if (!error.shape) return 'Graft does not answer; check that it is still running, then reload this page.';
  }
  return error instanceof Error ? error.message : String(error);
}
