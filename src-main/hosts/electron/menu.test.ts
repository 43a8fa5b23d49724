/** The menu against the table of shortcuts; Electron itself only shows it. */
import type { MenuItemConstructorOptions } from 'electron';
import { expect, it } from 'vitest';
import { PAGES } from '../../../src-shared/routes.ts';
import { SHORTCUTS } from '../../../src-shared/shortcuts.ts';
import type { PageRequest } from './bridge.ts';
import { menuTemplate } from './menu.ts';

function menu(platform: NodeJS.Platform, recent: { label: string; hash: string }[] = [], isDevelopment = false) {
  const sent: PageRequest[] = [];
  const done: string[] = [];
  const template = menuTemplate(platform, isDevelopment, recent, {
    send: (request) => sent.push(request),
    openFile: () => done.push('open'),
    showDataFolder: () => done.push('folder'),
  });
  const all = (items: MenuItemConstructorOptions[]): MenuItemConstructorOptions[] =>
    items.flatMap((item) => [item, ...(Array.isArray(item.submenu) ? all(item.submenu) : [])]);
  const items = all(template);
  const click = (label: string) => (items.find((item) => item.label === label)!.click as () => void)();
  return { items, sent, done, click };
}

it('holds every accelerator of the table once, and each does what the keys do', () => {
  const { items, sent } = menu('linux');
  const accelerators = items.flatMap(({ accelerator }) => accelerator ?? []);
  expect(new Set(accelerators).size).toBe(accelerators.length);
  expect(accelerators.filter((accelerator) => accelerator !== 'CmdOrCtrl+O').sort()).toEqual(
    SHORTCUTS.flatMap(({ accelerator }) => accelerator ?? []).sort(),
  );
  for (const { accelerator, click } of items) if (accelerator && accelerator !== 'CmdOrCtrl+O') (click as () => void)();
  const hashes = sent.flatMap((request) => (request.kind === 'open' ? [request.hash] : []));
  expect(new Set(hashes)).toEqual(new Set(PAGES.map((page) => `#/${page}`)));
  expect(sent.flatMap((request) => (request.kind === 'command' ? [request.command] : [])).sort()).toEqual([
    'list',
    'palette',
  ]);
});

it('offers developer tools in development only', () => {
  const tools = (isDevelopment: boolean) =>
    menu('linux', [], isDevelopment).items.some(({ role }) => role === 'toggleDevTools');
  expect([tools(false), tools(true)]).toEqual([false, true]);
});

it('opens recent items and files', () => {
  const { click, sent, done, items } = menu('linux', [{ label: 'colours', hash: '#/adapters/adapter-1' }]);
  click('colours');
  click('Open dataset…');
  click('Show data folder');
  expect(sent).toEqual([{ kind: 'open', hash: '#/adapters/adapter-1' }]);
  expect(done).toEqual(['open', 'folder']);
  expect(items.map(({ label }) => label)).not.toContain('Nothing yet');
  expect(menu('linux').items.find(({ label }) => label === 'Nothing yet')).toMatchObject({ enabled: false });
});

it('has a way to quit on every platform', () => {
  const roles = (platform: NodeJS.Platform) => menu(platform).items.map(({ role }) => role);
  expect(roles('linux')).toContain('quit');
  expect(roles('win32')).toContain('quit');
  expect(roles('darwin')).toContain('appMenu');
});
