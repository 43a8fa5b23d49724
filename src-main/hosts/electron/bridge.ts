/**
 * The contract between the page and the Electron main process: what `preload.ts` puts on
 * `window.graft`, and the messages that carry it. Types and channel names only; it imports nothing
 * at run time, so that the renderer may take the types. On the web host `window.graft` is absent.
 */

/** A tRPC error as the router's errorFormatter shapes it; feed it to `TRPCClientError.from({ error })`. */
export interface BridgeError {
  message: string;
  /** JSON-RPC code. */
  code: number;
  data: Record<string, unknown>;
}

export interface BridgeCall {
  type: 'query' | 'mutation';
  /** Procedure path, for example `models.list`. */
  path: string;
  input: unknown;
}

export type BridgeReply = { ok: true; data: unknown } | { ok: false; error: BridgeError };

interface BridgeSubscription {
  path: string;
  input: unknown;
}

/** `error` and `done` are each the last event of a subscription. */
export type BridgeEvent = { kind: 'data'; data: unknown } | { kind: 'error'; error: BridgeError } | { kind: 'done' };

/** What the main process asks of the page: a menu item, a link or a file that the system opens with Graft. */
export type PageRequest = { kind: 'open'; hash: string } | { kind: 'command'; command: 'search' | 'palette' | 'list' };

/** All that the page can reach of the main process. */
export interface GraftBridge {
  readonly host: 'electron';
  /** A query or mutation. Never rejects for an error of the procedure: see `BridgeReply`. */
  call(request: BridgeCall): Promise<BridgeReply>;
  /** Starts a subscription; the returned function cancels it, after which no event arrives. */
  subscribe(request: BridgeSubscription, onEvent: (event: BridgeEvent) => void): () => void;
  /** Native folder dialog; null when the user cancelled. */
  pickFolder(): Promise<string | null>;
  /** Native file dialog, `extensions` without dots; null when the user cancelled. */
  pickFile(extensions?: string[]): Promise<string | null>;
  /** Where a dropped file or folder lies; empty for what is no file of this machine. */
  pathOf(file: File): string;
  /** Hears what the main process asks of the page; the returned function ends that. */
  onRequest(listener: (request: PageRequest) => void): () => void;
}

/** Channels of ipcMain/ipcRenderer; the main process answers no other. */
export const CHANNELS = {
  /** invoke: BridgeCall -> BridgeReply */
  call: 'graft:call',
  /** send: SubscribeMessage */
  subscribe: 'graft:subscribe',
  /** send: id of the subscription to end */
  unsubscribe: 'graft:unsubscribe',
  /** main -> page: EventMessage */
  event: 'graft:event',
  /** invoke: string | null */
  pickFolder: 'graft:pickFolder',
  /** invoke, extensions: string | null */
  pickFile: 'graft:pickFile',
  /** main -> page: PageRequest */
  request: 'graft:request',
} as const;

export interface SubscribeMessage extends BridgeSubscription {
  /** Chosen by the page, unique among its running subscriptions. */
  id: number;
}

export interface EventMessage {
  id: number;
  event: BridgeEvent;
}
