/** Every keyboard shortcut, once: the handler, the list behind `?` and Electron's menu are made from this table. */
import { PAGE_TITLES, type Page } from './routes.ts';

export type Command = { kind: 'go'; page: Page } | { kind: 'search' } | { kind: 'palette' } | { kind: 'list' };

export interface Shortcut {
  /** One or two keys, one after the other; `Mod` is Command on macOS and Ctrl elsewhere. */
  keys: readonly string[];
  label: string;
  group: 'Anywhere' | 'Go to';
  command: Command;
  /** In Electron's menu, which knows no sequences of keys. */
  accelerator?: string;
}

/** So many pages have a digit in the menu, the others their letter. */
const DIGITS = 9;

const GO: readonly [key: string, page: Page][] = [
  ['h', 'home'],
  ['m', 'models'],
  ['d', 'datasets'],
  ['n', 'new-run'],
  ['r', 'runs'],
  ['a', 'adapters'],
  ['p', 'playground'],
  ['e', 'export'],
  ['s', 'settings'],
  ['l', 'lab'],
  ['v', 'serve'],
  ['t', 'evaluate'],
];

export const SHORTCUTS: readonly Shortcut[] = [
  {
    keys: ['?'],
    label: 'Show all shortcuts',
    group: 'Anywhere',
    command: { kind: 'list' },
    accelerator: 'CmdOrCtrl+/',
  },
  {
    keys: ['Mod+k'],
    label: 'Find a page, model, dataset, run or adapter',
    group: 'Anywhere',
    command: { kind: 'palette' },
    accelerator: 'CmdOrCtrl+K',
  },
  { keys: ['/'], label: 'Search on this page', group: 'Anywhere', command: { kind: 'search' } },
  {
    keys: ['n'],
    label: 'New run',
    group: 'Anywhere',
    command: { kind: 'go', page: 'new-run' },
    accelerator: 'CmdOrCtrl+N',
  },
  ...GO.map(([key, page], at): Shortcut => ({
    keys: ['g', key],
    label: PAGE_TITLES[page],
    group: 'Go to',
    command: { kind: 'go', page },
    accelerator: `CmdOrCtrl+${at < DIGITS ? at + 1 : `Shift+${key.toUpperCase()}`}`,
  })),
];

export interface KeyPress {
  key: string;
  ctrlKey: boolean;
  metaKey: boolean;
  altKey: boolean;
}

/** How long the first key of a sequence waits for the second. */
export const SEQUENCE_MS = 1200;

/** Follows key presses; `typing`: the keys go into a field, where only combinations with Mod count. */
export class ShortcutMatcher {
  #first: { key: string; atMs: number } | undefined;
  #mac: boolean;

  constructor(mac: boolean) {
    this.#mac = mac;
  }

  /** The command that this press completes; undefined for every other press. */
  press(press: KeyPress, typing: boolean, nowMs: number): Command | undefined {
    const first = this.#first && nowMs - this.#first.atMs <= SEQUENCE_MS ? this.#first.key : undefined;
    this.#first = undefined;
    const key = this.#name(press);
    if (key === undefined || (typing && !key.startsWith('Mod+'))) return undefined;
    const found = SHORTCUTS.find(({ keys }) =>
      first === undefined
        ? keys.length === 1 && keys[0] === key
        : keys.length === 2 && keys[0] === first && keys[1] === key,
    );
    if (found) return found.command;
    if (SHORTCUTS.some(({ keys }) => keys.length === 2 && keys[0] === key)) this.#first = { key, atMs: nowMs };
    return undefined;
  }

  #name({ key, ctrlKey, metaKey, altKey }: KeyPress): string | undefined {
    if (altKey) return undefined;
    const mod = this.#mac ? metaKey : ctrlKey;
    if ((this.#mac ? ctrlKey : metaKey) || key.length !== 1) return undefined;
    return mod ? `Mod+${key.toLowerCase()}` : key;
  }
}

/** `Mod+k` as this platform writes it. */
export function keyLabel(key: string, mac: boolean): string {
  return key
    .replace('Mod+', mac ? '⌘' : 'Ctrl+')
    .replace(/[a-z]$/, (letter) => (key.includes('+') ? letter.toUpperCase() : letter));
}
