/** The tRPC link that speaks through Electron's preload bridge instead of HTTP. */
import { TRPCClientError, type Operation, type TRPCLink } from '@trpc/client';
import { observable, type Observer } from '@trpc/server/observable';
import type { AppRouter } from '../../../src-main/api/router.ts';
import type { BridgeError, GraftBridge } from '../../../src-main/hosts/electron/bridge.ts';

type LinkObserver = Observer<{ result: { type?: 'data'; data: unknown } }, TRPCClientError<AppRouter>>;

export function bridgeLink(bridge: GraftBridge): TRPCLink<AppRouter> {
  return () =>
    ({ op }) =>
      observable((observer) =>
        op.type === 'subscription' ? subscribe(bridge, op, observer) : call(bridge, op, observer),
      );
}

function call(bridge: GraftBridge, op: Operation, observer: LinkObserver): () => void {
  let wanted = true;
  const type = op.type === 'query' ? 'query' : 'mutation';
  bridge.call({ type, path: op.path, input: op.input }).then(
    (reply) => {
      if (!wanted) return;
      if (!reply.ok) return observer.error(clientError(reply.error));
      observer.next({ result: { data: reply.data } });
      observer.complete();
    },
    (cause: unknown) => {
      if (wanted) observer.error(TRPCClientError.from(cause instanceof Error ? cause : new Error(String(cause))));
    },
  );
  return () => {
    wanted = false;
  };
}

function subscribe(bridge: GraftBridge, op: Operation, observer: LinkObserver): () => void {
  return bridge.subscribe({ path: op.path, input: op.input }, (event) => {
    if (event.kind === 'data') observer.next({ result: { type: 'data', data: event.data } });
    else if (event.kind === 'error') observer.error(clientError(event.error));
    else observer.complete();
  });
}

function clientError(error: BridgeError): TRPCClientError<AppRouter> {
  return TRPCClientError.from<AppRouter>({ error } as Parameters<typeof TRPCClientError.from<AppRouter>>[0]);
}
