/** The run under way outside the window: in the tray with its menu, and on the icon in the dock or task bar. */
import type { BrowserWindow, MenuItemConstructorOptions, Tray } from 'electron';
import { hashFor } from '../../../src-shared/routes.ts';
import type { RunNow } from './runNow.ts';

export interface TrayActions {
  /** The window, at this page where one is named. */
  open(hash?: string): void;
  pause(id: string): void;
  continue(id: string): void;
  quit(): void;
}

interface Parts<M> {
  tray: Pick<Tray, 'setToolTip'> & { setContextMenu(menu: M): void };
  /** Electron's Menu.buildFromTemplate. */
  buildMenu: (template: MenuItemConstructorOptions[]) => M;
  window: () => Pick<BrowserWindow, 'setProgressBar'> | undefined;
  actions: TrayActions;
}

/** Returns what shows a run, or that there is none. */
export function showInTray<M>({ tray, buildMenu, window, actions }: Parts<M>): (now: RunNow | null) => void {
  let shown: string | undefined;
  return (now) => {
    window()?.setProgressBar(...progressBar(now));
    // A menu that is made anew closes on some desktops, so it is not for a loss that changes twice a second.
    const key = JSON.stringify(now && [now.id, now.name, now.status, now.percent, timeLeft(now.msLeft)]);
    if (key === shown) return;
    shown = key;
    tray.setToolTip(trayTip(now));
    tray.setContextMenu(buildMenu(trayTemplate(now, actions)));
  };
}

export function trayTemplate(now: RunNow | null, actions: TrayActions): MenuItemConstructorOptions[] {
  return [
    ...(now ? runItems(now, actions) : [{ label: 'No run is under way', enabled: false }]),
    { type: 'separator' },
    { label: 'Open Graft', click: () => actions.open() },
    { label: 'Quit', click: () => actions.quit() },
  ];
}

function runItems(now: RunNow, actions: TrayActions): MenuItemConstructorOptions[] {
  return [
    { label: now.name, click: () => actions.open(hashFor('runs', now.id)) },
    { label: stateOf(now), enabled: false },
    now.status === 'running'
      ? { label: 'Pause', enabled: now.percent !== null, click: () => actions.pause(now.id) }
      : { label: 'Continue', click: () => actions.continue(now.id) },
  ];
}

function trayTip(now: RunNow | null): string {
  return now ? `Graft: ${now.name}, ${stateOf(now)}` : 'Graft';
}

/** `42 %, 3 min left, loss 1.2345`. */
function stateOf({ status, percent, msLeft, loss }: RunNow): string {
  if (percent === null) return status === 'paused' ? 'paused' : 'starting';
  return [
    ...(status === 'paused' ? ['paused'] : []),
    `${percent} %`,
    ...(status === 'running' && msLeft !== null ? [timeLeft(msLeft)] : []),
    ...(loss === null ? [] : [`loss ${loss.toFixed(4)}`]),
  ].join(', ');
}

function timeLeft(msLeft: number | null): string {
  if (msLeft === null) return '';
  const minutes = Math.round(msLeft / 60_000);
  if (minutes < 1) return 'under a minute left';
  return minutes < 60 ? `${minutes} min left` : `${Math.floor(minutes / 60)} h ${minutes % 60} min left`;
}

/** A share of 1; above 1 the bar shows that something goes on, below 0 there is none. */
function progressBar(now: RunNow | null): [number, { mode: 'normal' | 'paused' | 'none' }] {
  if (!now) return [-1, { mode: 'none' }];
  const mode = now.status === 'paused' ? 'paused' : 'normal';
  return [now.percent === null ? (now.status === 'paused' ? -1 : 2) : now.percent / 100, { mode }];
}
