/** Which host shows this page: Electron (preload put a bridge on window) or the loopback web host. */
import type { GraftBridge } from '../../../src-main/hosts/electron/bridge.ts';

declare global {
  interface Window {
    graft?: GraftBridge;
  }
}

export const bridge: GraftBridge | undefined = window.graft;
