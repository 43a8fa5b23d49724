import { describe, expect, it } from 'vitest';
import { PAGES } from './routes.ts';
import { keyLabel, SEQUENCE_MS, ShortcutMatcher, SHORTCUTS, type KeyPress } from './shortcuts.ts';

const press = (key: string, change: Partial<KeyPress> = {}): KeyPress => ({
  key,
  ctrlKey: false,
  metaKey: false,
  altKey: false,
  ...change,
});

describe('the table', () => {
  it('leads to every page, with no keys or accelerator used twice', () => {
    const pages = SHORTCUTS.flatMap(({ group, command }) =>
      group === 'Go to' && command.kind === 'go' ? [command.page] : [],
    );
    expect(pages.sort()).toEqual([...PAGES].sort());
    const keys = SHORTCUTS.map((shortcut) => shortcut.keys.join(' '));
    const accelerators = SHORTCUTS.flatMap(({ accelerator }) => accelerator ?? []);
    expect(new Set(keys).size).toBe(keys.length);
    expect(new Set(accelerators).size).toBe(accelerators.length);
  });

  it('no single key hides the second key of a sequence', () => {
    const matcher = new ShortcutMatcher(false);
    expect(matcher.press(press('g'), false, 0)).toBeUndefined();
    expect(matcher.press(press('n'), false, 10)).toEqual({ kind: 'go', page: 'new-run' });
    expect(matcher.press(press('n'), false, 20)).toEqual({ kind: 'go', page: 'new-run' });
  });
});

describe('key presses', () => {
  it('completes a sequence in time only', () => {
    const matcher = new ShortcutMatcher(false);
    matcher.press(press('g'), false, 0);
    expect(matcher.press(press('e'), false, SEQUENCE_MS)).toEqual({ kind: 'go', page: 'export' });
    matcher.press(press('g'), false, 10_000);
    expect(matcher.press(press('e'), false, 10_001 + SEQUENCE_MS)).toBeUndefined();
  });

  it('lets typing alone, but not Ctrl+K', () => {
    const matcher = new ShortcutMatcher(false);
    expect(matcher.press(press('?'), true, 0)).toBeUndefined();
    expect(matcher.press(press('k', { ctrlKey: true }), true, 0)).toEqual({ kind: 'palette' });
    expect(matcher.press(press('k', { metaKey: true }), false, 0)).toBeUndefined();
    expect(new ShortcutMatcher(true).press(press('K', { metaKey: true }), false, 0)).toEqual({ kind: 'palette' });
  });

  it('lets the browser have its own combinations', () => {
    const matcher = new ShortcutMatcher(false);
    expect(matcher.press(press('n', { ctrlKey: true }), false, 0)).toBeUndefined();
    expect(matcher.press(press('n', { altKey: true }), false, 0)).toBeUndefined();
    expect(matcher.press(press('Enter'), false, 0)).toBeUndefined();
  });
});

it('writes keys as the platform does', () => {
  expect([keyLabel('Mod+k', false), keyLabel('Mod+k', true), keyLabel('g', false), keyLabel('?', true)]).toEqual([
    'Ctrl+K',
    '⌘K',
    'g',
    '?',
  ]);
});
