/** Electron's entry: wires the window, its protection, the dialogs, the menu and the API. Nothing is decided here. */
import path from 'node:path';
import {
  app,
  BrowserWindow,
  dialog,
  ipcMain,
  Menu,
  Notification,
  powerSaveBlocker,
  protocol,
  safeStorage,
  screen,
  session,
  shell,
  Tray,
  utilityProcess,
} from 'electron';
import { createRouter } from '../../api/router.ts';
import { ORIGIN, pageResponse, SCHEME } from './appProtocol.ts';
import { CHANNELS, type PageRequest } from './bridge.ts';
import { hashOfArguments, hashOfFile, hashOfLink, PROTOCOL } from './deepLink.ts';
import { serveDialogs } from './dialogs.ts';
import { tellEnds } from './endNotice.ts';
import { serveBridge } from './ipcBridge.ts';
import { systemKeychain } from './keychain.ts';
import { menuTemplate } from './menu.ts';
import { recentItems } from './recent.ts';
import { followRuns } from './runNow.ts';
import { showInTray } from './tray.ts';
import { utilityWorkers } from './utilityWorker.ts';
import { lockContents, lockSession, windowOptions } from './window.ts';
import { placeOn, readWindowState, rememberWindow, saveWindowState } from './windowState.ts';
import { DATASET_EXTENSIONS } from '../../../src-shared/datasetExtensions.ts';
import { GraftError, toErrorData } from '../../../src-shared/errors.ts';
import { defaultHomeDir } from '../../app/storage/home.ts';
import { createServices } from '../../app/services.ts';
import { GRAFT_ROOT } from '../../files/repository.ts';
import { openServing } from '../openai/server.ts';
import type { Services } from '../../app/services.ts';

/** The bundles' folder: this file runs as out/main/main.js. */
const out = path.resolve(import.meta.dirname, '..');
const homeDir = defaultHomeDir();
let window: BrowserWindow | undefined;
/** Kept, since a tray that nobody holds is collected. */
let tray: Tray | undefined;
let isTraining = false;
/** What was asked for before there was a window. */
let wanted = hashOfArguments(process.argv.slice(1), process.cwd());

function openWindow(): void {
  const { maximised, ...bounds } = placeOn(
    readWindowState(homeDir),
    screen.getAllDisplays().map(({ workArea }) => workArea),
  );
  window = new BrowserWindow(
    windowOptions(path.join(out, 'preload', 'preload.cjs'), bounds, { devTools: !app.isPackaged }),
  );
  if (maximised) window.maximize();
  rememberWindow(window, (state) => saveWindowState(homeDir, state));
  window.once('ready-to-show', () => window?.show());
  window.once('closed', () => (window = undefined));
  void window.loadURL(`${ORIGIN}/index.html${wanted ?? ''}`);
  wanted = undefined;
}

/** Shows the window, made anew where it was closed, at the page that is asked for. */
function open(hash?: string): void {
  if (!app.isReady()) {
    wanted = hash ?? wanted;
    return;
  }
  if (!window) {
    wanted = hash;
    return openWindow();
  }
  if (window.isMinimized()) window.restore();
  window.focus();
  if (hash) send({ kind: 'open', hash });
}

function send(request: PageRequest): void {
  if (!window && request.kind === 'open') open(request.hash);
  else window?.webContents.send(CHANNELS.request, request);
}

/** A file that the system or the menu opens; the system lists it among the recent ones. */
function openFile(file: string): void {
  const hash = hashOfFile(file);
  if (!hash) return;
  app.addRecentDocument(file);
  open(hash);
}

async function askForFile(): Promise<void> {
  const extensions = DATASET_EXTENSIONS;
  const options = { properties: ['openFile' as const], filters: [{ name: extensions.join(', '), extensions }] };
  const { filePaths } = await (window ? dialog.showOpenDialog(window, options) : dialog.showOpenDialog(options));
  if (filePaths[0]) openFile(filePaths[0]);
}

function start(): void {
  const services = createServices({
    home: homeDir,
    spawnWorker: utilityWorkers(utilityProcess.fork, path.join(out, 'main', 'worker.js')),
    openServing,
    showInFolder: (target) => shell.showItemInFolder(target),
    keychain: () => systemKeychain(safeStorage),
    stayAwake: () => {
      const blocker = powerSaveBlocker.start('prevent-app-suspension');
      return () => void powerSaveBlocker.stop(blocker);
    },
  });
  closeBeforeQuit(services);
  process.on('uncaughtExceptionMonitor', services.reports.fault);
  protocol.handle(SCHEME, (request) => pageResponse(path.join(out, 'renderer'), request));
  lockSession(session.defaultSession, ORIGIN);
  serveBridge({
    ipc: ipcMain,
    router: createRouter(services),
    context: { onFault: services.reports.fault },
    origin: ORIGIN,
  });
  serveDialogs(ipcMain, ORIGIN, (options) =>
    window ? dialog.showOpenDialog(window, options) : dialog.showOpenDialog(options),
  );
  const actions = { send, openFile: () => void askForFile(), showDataFolder: () => void shell.openPath(homeDir) };
  const showMenu = (): void =>
    Menu.setApplicationMenu(
      Menu.buildFromTemplate(menuTemplate(process.platform, !app.isPackaged, recentItems(services.catalog), actions)),
    );
  showMenu();
  // What is recent may have changed while the window was behind others, or in it.
  app.on('browser-window-focus', showMenu);
  app.on('browser-window-blur', showMenu);
  openWindow();
  showRuns(services);
  app.on('activate', () => {
    if (!window) openWindow();
  });
}

/** The run under way in the tray and on the dock, and its end as a notification where no window tells it. */
function showRuns({ runs, runHistory, settings }: Services): void {
  tray = new Tray(path.join(GRAFT_ROOT, 'resources/icon/linux/32x32.png'));
  tray.on('click', () => open());
  const show = showInTray({
    tray,
    buildMenu: (template) => Menu.buildFromTemplate(template),
    window: () => window,
    actions: {
      open,
      pause: (id) => unlessOver(() => runs.pause(id)),
      continue: (id) => unlessOver(() => runs.continue(id)),
      quit: () => app.quit(),
    },
  });
  followRuns(runs, (now) => {
    isTraining = now?.status === 'running';
    show(now);
  });
  tellEnds({
    runs,
    verdictOf: (id) => runHistory.verdict(id),
    isWanted: () => !window && settings.read().notifications && Notification.isSupported(),
    notify: ({ title, text, hash }) => {
      const notification = new Notification({ title, body: text });
      notification.on('click', () => open(hash));
      notification.show();
    },
  });
}

/** What is asked of a run that has just ended is refused; the menu shows by now that it has. */
function unlessOver(ask: () => unknown): void {
  try {
    ask();
  } catch (error) {
    if (!(error instanceof GraftError)) throw error;
  }
}

/** Ends the workers and closes the catalogue first, so that an interrupted run can be resumed. */
function closeBeforeQuit(services: Services): void {
  let closing: Promise<void> | undefined;
  let closed = false;
  app.on('will-quit', (event) => {
    if (closed) return;
    event.preventDefault();
    app.removeAllListeners('browser-window-focus').removeAllListeners('browser-window-blur');
    closing ??= services.close().finally(() => {
      closed = true;
      app.quit();
    });
  });
}

app.enableSandbox();
// One Graft per data folder: the lock lies in Electron's own folder, which therefore lies in the data folder.
if (!app.commandLine.hasSwitch('user-data-dir')) app.setPath('userData', path.join(homeDir, 'electron'));
if (app.isPackaged) app.setAsDefaultProtocolClient(PROTOCOL);
protocol.registerSchemesAsPrivileged([
  { scheme: SCHEME, privileges: { standard: true, secure: true, supportFetchAPI: true } },
]);
app.on('web-contents-created', (_event, contents) => lockContents(contents, ORIGIN));
// A run goes on without the window; the tray opens it again.
app.on('window-all-closed', () => {
  if (process.platform !== 'darwin' && !isTraining) app.quit();
});
// macOS gives links and files as events, the other systems as arguments of a second process.
app.on('open-url', (event, link) => {
  event.preventDefault();
  open(hashOfLink(link));
});
app.on('open-file', (event, file) => {
  event.preventDefault();
  openFile(file);
});

if (app.requestSingleInstanceLock()) {
  app.on('second-instance', (_event, args, cwd) => open(hashOfArguments(args.slice(1), cwd)));
  app
    .whenReady()
    .then(start)
    .catch((error: unknown) => {
      dialog.showErrorBox('Graft cannot start', toErrorData(error).message);
      app.exit(1);
    });
} else {
  app.quit();
}
