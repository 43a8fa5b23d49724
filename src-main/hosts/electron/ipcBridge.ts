/**
 * The main-process end of the page's bridge: carries tRPC queries, mutations and subscriptions over
 * Electron's IPC. Only the main frame of our own page is answered, and only on the channels of
 * `bridge.ts`. Knows Electron by structural types, so that it is tested without Electron.
 */
import {
  callTRPCProcedure,
  getTRPCErrorFromUnknown,
  getTRPCErrorShape,
  isTrackedEnvelope,
  TRPCError,
} from '@trpc/server';
import type { AnyTRPCRouter, inferRouterContext, TRPCProcedureType } from '@trpc/server';
import { z } from 'zod';
import { CHANNELS } from './bridge.ts';
import type { BridgeError, BridgeEvent, BridgeReply, EventMessage } from './bridge.ts';

export interface IpcSender {
  readonly id: number;
  isDestroyed(): boolean;
  send(channel: string, message: unknown): void;
  on(event: 'destroyed' | 'did-navigate', listener: () => void): unknown;
}

export interface IpcEvent {
  readonly sender: IpcSender;
  /** Null when the frame is gone already. `parent` is null for a main frame. */
  readonly senderFrame: { readonly url: string; readonly parent: unknown } | null;
}

export interface IpcMainLike {
  handle(channel: string, listener: (event: IpcEvent, ...args: unknown[]) => unknown): void;
  on(channel: string, listener: (event: IpcEvent, ...args: unknown[]) => void): unknown;
}

export interface BridgeOptions<Router extends AnyTRPCRouter> {
  ipc: IpcMainLike;
  router: Router;
  context: inferRouterContext<Router>;
  /** Scheme and host of our page, for example `app://graft`. */
  origin: string;
}

const path = z.string().min(1).max(200);
const callSchema = z.strictObject({ type: z.enum(['query', 'mutation']), path, input: z.unknown() });
const subscribeSchema = z.strictObject({ id: z.number().int(), path, input: z.unknown() });

/** True for the main frame of our own page; everything else gets no answer. */
function isOwnPage(event: IpcEvent, origin: string): boolean {
  const frame = event.senderFrame;
  return frame !== null && frame.parent === null && frame.url.startsWith(`${origin}/`);
}

/** Throws when the message does not come from our own page. */
export function demandOwnPage(event: IpcEvent, origin: string): void {
  if (!isOwnPage(event, origin)) throw new Error('This page may not call Graft.');
}

/** Answers the bridge's call and subscription channels from now on. */
export function serveBridge<Router extends AnyTRPCRouter>(options: BridgeOptions<Router>): void {
  const { ipc, origin } = options;
  const subscriptions = new Subscriptions();

  ipc.handle(CHANNELS.call, async (event, message): Promise<BridgeReply> => {
    demandOwnPage(event, origin);
    const parsed = callSchema.safeParse(message);
    if (!parsed.success) return { ok: false, error: shapeOf(options, malformed(CHANNELS.call)) };
    const { type, path, input } = parsed.data;
    try {
      return { ok: true, data: await callProcedure(options, { type, path, input }) };
    } catch (error) {
      return { ok: false, error: shapeOf(options, error, { type, path, input }) };
    }
  });

  ipc.on(CHANNELS.subscribe, (event, message) => {
    const parsed = subscribeSchema.safeParse(message);
    if (!isOwnPage(event, origin) || !parsed.success) return;
    const { id, path, input } = parsed.data;
    const signal = subscriptions.start(event.sender, id);
    void subscribe(options, { path, input, signal }, (bridgeEvent) => {
      if (signal.aborted || event.sender.isDestroyed()) return;
      event.sender.send(CHANNELS.event, { id, event: bridgeEvent } satisfies EventMessage);
    }).finally(() => subscriptions.end(event.sender, id, signal));
  });

  ipc.on(CHANNELS.unsubscribe, (event, id) => {
    if (isOwnPage(event, origin) && typeof id === 'number') subscriptions.cancel(event.sender, id);
  });
}

/** Running subscriptions per page; a page that goes away or is reloaded takes its own with it. */
class Subscriptions {
  #running = new Map<number, Map<number, AbortController>>();

  start(sender: IpcSender, id: number): AbortSignal {
    const own = this.#of(sender);
    own.get(id)?.abort();
    const controller = new AbortController();
    own.set(id, controller);
    return controller.signal;
  }

  cancel(sender: IpcSender, id: number): void {
    this.#of(sender).get(id)?.abort();
  }

  /** Forgets a subscription that has ended, unless its id has been taken by a newer one. */
  end(sender: IpcSender, id: number, signal: AbortSignal): void {
    const own = this.#running.get(sender.id);
    if (own?.get(id)?.signal === signal) own.delete(id);
  }

  #of(sender: IpcSender): Map<number, AbortController> {
    const known = this.#running.get(sender.id);
    if (known) return known;
    const own = new Map<number, AbortController>();
    this.#running.set(sender.id, own);
    const endAll = () => own.forEach((controller) => controller.abort());
    sender.on('did-navigate', endAll);
    sender.on('destroyed', () => {
      endAll();
      this.#running.delete(sender.id);
    });
    return own;
  }
}

interface Request {
  type: TRPCProcedureType;
  path: string;
  input: unknown;
  signal?: AbortSignal;
}

function callProcedure<Router extends AnyTRPCRouter>(
  { router, context }: BridgeOptions<Router>,
  request: Request,
): Promise<unknown> {
  return callTRPCProcedure({
    router,
    path: request.path,
    type: request.type,
    getRawInput: async () => request.input,
    ctx: context,
    signal: request.signal,
    batchIndex: 0,
  });
}

async function subscribe<Router extends AnyTRPCRouter>(
  options: BridgeOptions<Router>,
  request: { path: string; input: unknown; signal: AbortSignal },
  emit: (event: BridgeEvent) => void,
): Promise<void> {
  try {
    const result = await callProcedure(options, { type: 'subscription', ...request });
    if (!isAsyncIterable(result)) throw new Error(`The subscription ${request.path} gives no stream.`);
    await forEachUntilAbort(result, request.signal, (value) => {
      emit({ kind: 'data', data: isTrackedEnvelope(value) ? { id: value[0], data: value[1] } : value });
    });
    emit({ kind: 'done' });
  } catch (error) {
    emit({ kind: 'error', error: shapeOf(options, error, { type: 'subscription', ...request }) });
  }
}

function isAsyncIterable(value: unknown): value is AsyncIterable<unknown> {
  return typeof value === 'object' && value !== null && Symbol.asyncIterator in value;
}

/** Like `for await`, but ends at once on abort, also while the next value is awaited. */
async function forEachUntilAbort(
  values: AsyncIterable<unknown>,
  signal: AbortSignal,
  each: (value: unknown) => void,
): Promise<void> {
  const iterator = values[Symbol.asyncIterator]();
  const aborted = new Promise<'aborted'>((resolve) => {
    if (signal.aborted) resolve('aborted');
    signal.addEventListener('abort', () => resolve('aborted'), { once: true });
  });
  try {
    for (;;) {
      const pending = iterator.next();
      // After an abort nobody waits for it any more; its failure is then no news.
      pending.catch(() => undefined);
      const next = await Promise.race([aborted, pending]);
      if (next === 'aborted' || next.done) return;
      each(next.value);
    }
  } finally {
    iterator.return?.().catch(() => undefined);
  }
}

function malformed(channel: string): TRPCError {
  return new TRPCError({ code: 'BAD_REQUEST', message: `The message on ${channel} is malformed.` });
}

/** The error as the router's formatter shapes it, so that both hosts give the page the same data. */
function shapeOf<Router extends AnyTRPCRouter>(
  { router, context }: BridgeOptions<Router>,
  cause: unknown,
  request?: Request,
): BridgeError {
  return getTRPCErrorShape({
    config: router._def._config,
    error: getTRPCErrorFromUnknown(cause),
    type: request?.type ?? 'unknown',
    path: request?.path,
    input: request?.input,
    ctx: context,
  });
}
