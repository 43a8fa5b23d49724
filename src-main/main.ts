/** Electron's entry: wires the window, its protection, the dialogs and the API. Nothing is decided here. */
import path from 'node:path';
import { app, BrowserWindow, dialog, ipcMain, Menu, protocol, session, utilityProcess } from 'electron';
import { createRouter } from './api/router.ts';
import { ORIGIN, pageResponse, SCHEME } from './electron/appProtocol.ts';
import { serveDialogs } from './electron/dialogs.ts';
import { serveBridge } from './electron/ipcBridge.ts';
import { menuTemplate } from './electron/menu.ts';
import { utilityWorkers } from './electron/utilityWorker.ts';
import { lockContents, lockSession, windowOptions } from './electron/window.ts';
import { toErrorData } from './errors.ts';
import { createServices } from './services.ts';
import type { Services } from './services.ts';

/** This file is out/main/main.js when it runs. */
const out = path.resolve(import.meta.dirname, '..');
let window: BrowserWindow | undefined;

function openWindow(): void {
  window = new BrowserWindow(windowOptions(path.join(out, 'preload', 'preload.cjs')));
  window.once('ready-to-show', () => window?.show());
  window.once('closed', () => (window = undefined));
  void window.loadURL(`${ORIGIN}/index.html`);
}

function start(): void {
  const services = createServices({ spawnWorker: utilityWorkers(utilityProcess.fork, path.join(out, 'main', 'trainer.js')) });
  closeBeforeQuit(services);
  protocol.handle(SCHEME, (request) => pageResponse(path.join(out, 'renderer'), request));
  lockSession(session.defaultSession, ORIGIN);
  serveBridge({ ipc: ipcMain, router: createRouter(services), context: {}, origin: ORIGIN });
  serveDialogs(ipcMain, ORIGIN, (options) => (window ? dialog.showOpenDialog(window, options) : dialog.showOpenDialog(options)));
  Menu.setApplicationMenu(Menu.buildFromTemplate(menuTemplate(process.platform)));
  openWindow();
  app.on('activate', () => {
    if (!window) openWindow();
  });
}

/** Ends the workers and closes the catalogue first, so that an interrupted run can be resumed. */
function closeBeforeQuit(services: Services): void {
  let closed = false;
  app.on('will-quit', (event) => {
    if (closed) return;
    event.preventDefault();
    void services.close().finally(() => {
      closed = true;
      app.quit();
    });
  });
}

function showWindow(): void {
  if (window?.isMinimized()) window.restore();
  window?.focus();
}

app.enableSandbox();
protocol.registerSchemesAsPrivileged([{ scheme: SCHEME, privileges: { standard: true, secure: true, supportFetchAPI: true } }]);
app.on('web-contents-created', (_event, contents) => lockContents(contents, ORIGIN));
app.on('window-all-closed', () => {
  if (process.platform !== 'darwin') app.quit();
});

if (app.requestSingleInstanceLock()) {
  app.on('second-instance', showWindow);
  app.whenReady().then(start).catch((error: unknown) => {
    dialog.showErrorBox('Graft cannot start', toErrorData(error).message);
    app.exit(1);
  });
} else {
  app.quit();
}
