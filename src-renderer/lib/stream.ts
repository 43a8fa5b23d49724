/** Failures as the sentence to show, and subscriptions whose first failure is final. No host is known here. */
import { TRPCClientError } from '@trpc/client';
import type { ErrorData } from '../../src-shared/errors.ts';

/** What a page does with a subscription's events. `failed` and `done` are each the last call. */
export interface StreamHandlers<T> {
  data: (value: T) => void;
  failed: (sentence: string, failure: Failure) => void;
  done: () => void;
}

/**
 * Handlers in the shape the tRPC client wants. Its event-source link answers a server error by
 * connecting again without end; here an error is final, so the first one ends the stream.
 */
export function streamOptions<T>(handlers: StreamHandlers<T>, end: () => void) {
  return {
    onData: handlers.data,
    onError: (error: unknown) => handlers.failed(errorSentence(error), failureOf(error)),
    onComplete: handlers.done,
    onConnectionStateChange: (state: { state: string; error?: unknown }) => {
      if (state.state !== 'connecting' || !state.error) return;
      end();
      handlers.failed(errorSentence(state.error), failureOf(state.error));
    },
  };
}

interface GraftShape {
  graft?: Partial<ErrorData>;
}

/** A failure as data: GraftError's code and details where there are any. */
export interface Failure {
  code: ErrorData['code'];
  message: string;
  details: Record<string, unknown>;
}

/** What went wrong, whatever was thrown. `NO_ANSWER`: the request never reached the router. */
export function failureOf(error: unknown): Failure {
  if (error instanceof TRPCClientError) {
    const data: GraftShape | undefined = error.data ?? undefined;
    const { code = 'INTERNAL', message, details = {} } = data?.graft ?? {};
    if (message) return { code, message, details };
    if (!error.shape)
      return {
        code: 'NO_ANSWER',
        message: 'Graft does not answer; check that it is still running, then reload this page.',
        details: {},
      };
  }
  return { code: 'INTERNAL', message: error instanceof Error ? error.message : String(error), details: {} };
}

/** The one sentence of a failure. */
export function errorSentence(error: unknown): string {
  return failureOf(error).message;
}
