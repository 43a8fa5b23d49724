/**
 * Electron's IPC between one page and the main process, for tests: messages are structured clones,
 * as in Electron, and what main sends is recorded.
 */
import { EventEmitter } from 'node:events';
import type { IpcEvent, IpcMainLike, IpcSender } from '../../src-main/hosts/electron/ipcBridge.ts';
import type { IpcRendererLike } from '../../src-main/hosts/electron/pageBridge.ts';

type Handler = (event: IpcEvent, ...args: unknown[]) => unknown;

export interface FakePage {
  renderer: IpcRendererLike;
  sender: IpcSender & EventEmitter;
  /** Messages that main has sent to this page. */
  received: unknown[];
}

export class FakeIpc implements IpcMainLike {
  #handlers = new Map<string, Handler>();
  #listeners = new Map<string, Handler>();
  #nextId = 1;

  handle(channel: string, listener: Handler): void {
    this.#handlers.set(channel, listener);
  }

  on(channel: string, listener: Handler): void {
    this.#listeners.set(channel, listener);
  }

  /** A page in a frame with this URL; `parent` is not null for a frame inside another. */
  page(url: string, parent: unknown = null): FakePage {
    const toPage = new EventEmitter();
    const received: unknown[] = [];
    const sender = Object.assign(new EventEmitter(), {
      id: this.#nextId++,
      isDestroyed: () => false,
      send: (channel: string, message: unknown) => {
        received.push(structuredClone(message));
        toPage.emit(channel, {}, structuredClone(message));
      },
    });
    const event: IpcEvent = { sender, senderFrame: { url, parent } };
    const renderer: IpcRendererLike = {
      invoke: async (channel, ...args) => {
        const handler = this.#handlers.get(channel);
        if (!handler) throw new Error(`No handler registered for '${channel}'`);
        return structuredClone(await handler(event, ...structuredClone(args)));
      },
      send: (channel, ...args) => void this.#listeners.get(channel)?.(event, ...structuredClone(args)),
      on: (channel: string, listener: (event: unknown, message: never) => void) =>
        toPage.on(channel, (event: unknown, message: unknown) => listener(event, message as never)),
    };
    return { renderer, sender, received };
  }
}
