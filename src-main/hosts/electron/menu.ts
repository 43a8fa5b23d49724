/** The application menu. Its accelerators come from the table of shortcuts that the page uses too. */
import type { MenuItemConstructorOptions } from 'electron';
import { hashFor } from '../../../src-shared/routes.ts';
import { SHORTCUTS, type Command } from '../../../src-shared/shortcuts.ts';
import type { PageRequest } from './bridge.ts';

export interface RecentItem {
  label: string;
  /** Of its page. */
  hash: string;
}

export interface MenuActions {
  /** Tells the page. */
  send(request: PageRequest): void;
  /** Asks for a data file and opens it. */
  openFile(): void;
  showDataFolder(): void;
}

function requestOf(command: Command): PageRequest {
  return command.kind === 'go'
    ? { kind: 'open', hash: hashFor(command.page) }
    : { kind: 'command', command: command.kind };
}

export function menuTemplate(
  platform: NodeJS.Platform,
  isDevelopment: boolean,
  recent: RecentItem[],
  actions: MenuActions,
): MenuItemConstructorOptions[] {
  const item = (wanted: (command: Command) => boolean, sequence: boolean): MenuItemConstructorOptions[] =>
    SHORTCUTS.filter(
      ({ command, keys, accelerator }) => accelerator && wanted(command) && keys.length > 1 === sequence,
    ).map(({ label, accelerator, command }) => ({
      label,
      accelerator: accelerator!,
      click: () => actions.send(requestOf(command)),
    }));
  const recentItems: MenuItemConstructorOptions[] =
    recent.length === 0
      ? [{ label: 'Nothing yet', enabled: false }]
      : recent.map(({ label, hash }) => ({ label, click: () => actions.send({ kind: 'open', hash }) }));
  const file: MenuItemConstructorOptions[] = [
    ...item(({ kind }) => kind === 'go', false),
    { label: 'Open dataset…', accelerator: 'CmdOrCtrl+O', click: () => actions.openFile() },
    { label: 'Recent', submenu: recentItems },
    { type: 'separator' },
    { label: 'Show data folder', click: () => actions.showDataFolder() },
    ...(platform === 'darwin' ? [] : [{ type: 'separator' } as const, { role: 'quit' } as const]),
  ];
  return [
    ...(platform === 'darwin' ? [{ role: 'appMenu' } as const] : []),
    { label: 'File', submenu: file },
    { role: 'editMenu' },
    {
      label: 'Go',
      submenu: [
        ...item(({ kind }) => kind === 'palette', false),
        { type: 'separator' },
        ...item(({ kind }) => kind === 'go', true),
      ],
    },
    {
      label: 'View',
      submenu: [
        { role: 'reload' },
        { role: 'resetZoom' },
        { role: 'zoomIn' },
        { role: 'zoomOut' },
        { type: 'separator' },
        { role: 'togglefullscreen' },
        ...(isDevelopment ? [{ role: 'toggleDevTools' } as const] : []),
      ],
    },
    { role: 'windowMenu' },
    { role: 'help', submenu: item(({ kind }) => kind === 'list', false) },
  ];
}
