/** The one window and what its page may not do: navigate, open windows, ask for permissions, reach the network. */
import path from 'node:path';
import type { BrowserWindowConstructorOptions, Session, WebContents } from 'electron';
import { MIN_SIZE } from './windowState.ts';

/** devTools: only in development. bounds: where it was when it was last open; see windowState.ts. */
export function windowOptions(
  preload: string,
  bounds: { width: number; height: number; x?: number; y?: number },
  { devTools }: { devTools: boolean },
): BrowserWindowConstructorOptions {
  return {
    title: 'Graft',
    ...bounds,
    minWidth: MIN_SIZE.width,
    minHeight: MIN_SIZE.height,
    show: false,
    webPreferences: {
      preload,
      contextIsolation: true,
      sandbox: true,
      nodeIntegration: false,
      nodeIntegrationInWorker: false,
      nodeIntegrationInSubFrames: false,
      webSecurity: true,
      webviewTag: false,
      devTools,
      // Long trainings go on while the window is behind others; their graph must too.
      backgroundThrottling: false,
    },
  };
}

/** Denies every way for the page to leave, or to open another. Reloading our own page stays possible. */
export function lockContents(contents: WebContents, origin: string): void {
  contents.setWindowOpenHandler(() => ({ action: 'deny' }));
  contents.on('will-frame-navigate', (event) => {
    if (!event.url.startsWith(`${origin}/`)) event.preventDefault();
  });
  contents.on('will-redirect', (event) => event.preventDefault());
  contents.on('will-attach-webview', (event) => event.preventDefault());
}

/**
 * Denies all permissions but notifications of our own page, devices, and every request that is not for our own page's
 * files. What our page itself has made (a CSV, a picture) can be saved: Electron then asks in its own dialog where.
 */
export function lockSession(session: Session, origin: string): void {
  session.setPermissionRequestHandler((_contents, permission, answer, { requestingUrl, isMainFrame }) => {
    answer(permission === 'notifications' && isMainFrame && requestingUrl.startsWith(`${origin}/`));
  });
  session.setPermissionCheckHandler(
    (_contents, permission, requestingOrigin) =>
      permission === 'notifications' && `${requestingOrigin.replace(/\/$/, '')}/` === `${origin}/`,
  );
  session.setDevicePermissionHandler(() => false);
  session.on('will-download', (event, item) => {
    if (!item.getURL().startsWith(`blob:${origin}/`)) return event.preventDefault();
    item.setSaveDialogOptions({ title: 'Save', defaultPath: path.basename(item.getFilename()) });
  });
  session.webRequest.onBeforeRequest((details, answer) => {
    const own = details.url.startsWith(`${origin}/`) || /^(devtools|data|blob):/.test(details.url);
    answer({ cancel: !own });
  });
}
