/** The page's end of the bridge, run by the preload script: `window.graft` over ipcRenderer. */
import { CHANNELS } from './bridge.ts';
import type { BridgeEvent, EventMessage, GraftBridge, PageRequest, SubscribeMessage } from './bridge.ts';

export interface IpcRendererLike {
  invoke(channel: string, ...args: unknown[]): Promise<unknown>;
  send(channel: string, ...args: unknown[]): void;
  on(channel: typeof CHANNELS.event, listener: (event: unknown, message: EventMessage) => void): unknown;
  on(channel: typeof CHANNELS.request, listener: (event: unknown, message: PageRequest) => void): unknown;
}

/** pathOf: Electron's webUtils.getPathForFile. */
export function createPageBridge(ipc: IpcRendererLike, pathOf: (file: File) => string): GraftBridge {
  const requestListeners = new Set<(request: PageRequest) => void>();
  ipc.on(CHANNELS.request, (_event, request) => {
    for (const listener of requestListeners) listener(request);
  });
  const listeners = new Map<number, (event: BridgeEvent) => void>();
  let lastId = 0;

  ipc.on(CHANNELS.event, (_event, { id, event }) => {
    const listener = listeners.get(id);
    if (event.kind !== 'data') listeners.delete(id);
    listener?.(event);
  });

  return {
    host: 'electron',
    call: (request) => ipc.invoke(CHANNELS.call, request) as ReturnType<GraftBridge['call']>,
    subscribe: ({ path, input }, onEvent) => {
      const id = ++lastId;
      listeners.set(id, onEvent);
      ipc.send(CHANNELS.subscribe, { id, path, input } satisfies SubscribeMessage);
      return () => {
        if (listeners.delete(id)) ipc.send(CHANNELS.unsubscribe, id);
      };
    },
    pickFolder: () => ipc.invoke(CHANNELS.pickFolder) as Promise<string | null>,
    pickFile: (extensions) => ipc.invoke(CHANNELS.pickFile, extensions) as Promise<string | null>,
    pathOf,
    onRequest: (listener) => {
      requestListeners.add(listener);
      return () => void requestListeners.delete(listener);
    },
  };
}
