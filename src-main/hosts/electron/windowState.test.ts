import { EventEmitter } from 'node:events';
import fs from 'node:fs';
import path from 'node:path';
import { afterEach, describe, expect, it, vi } from 'vitest';
import { temporaryFolder } from '../../../test-support/fixtures/folders.ts';
import {
  placeOn,
  readWindowState,
  rememberWindow,
  saveWindowState,
  type WindowLike,
  type WindowState,
} from './windowState.ts';

const SCREEN = { x: 0, y: 25, width: 1920, height: 1055 };
const RIGHT = { x: 1920, y: 0, width: 1280, height: 1024 };
const STATE: WindowState = { x: 2000, y: 40, width: 1000, height: 800, maximised: false };

describe('the place', () => {
  it('is that of before while a display shows it', () => {
    expect(placeOn(STATE, [SCREEN, RIGHT])).toEqual({ x: 2000, y: 40, width: 1000, height: 800, maximised: false });
  });
  it('is left to the system when its display is gone, or its title bar out of reach', () => {
    expect(placeOn(STATE, [SCREEN])).toEqual({ width: 1000, height: 800, maximised: false });
    expect(placeOn({ ...STATE, x: 100, y: -300 }, [SCREEN])).not.toHaveProperty('x');
    expect(placeOn({ ...STATE, x: 1900, y: 100 }, [SCREEN])).not.toHaveProperty('x');
  });
  it('never exceeds the display, nor falls below what the pages need', () => {
    expect(placeOn({ ...STATE, width: 9000, height: 9000 }, [RIGHT])).toMatchObject({ width: 1280, height: 1024 });
    expect(placeOn({ ...STATE, width: 10, height: 10 }, [RIGHT])).toMatchObject({ width: 760, height: 520 });
    expect(placeOn(undefined, [SCREEN])).toEqual({ width: 1280, height: 860, maximised: false });
  });
});

describe('the file', () => {
  it('reads back what was saved, and nothing else', () => {
    const home = temporaryFolder();
    expect(readWindowState(home)).toBeUndefined();
    saveWindowState(home, STATE);
    expect(readWindowState(home)).toEqual(STATE);
    for (const text of [
      '',
      '{}',
      '[1]',
      JSON.stringify({ ...STATE, width: -1 }),
      JSON.stringify({ ...STATE, x: 'left' }),
    ]) {
      fs.writeFileSync(path.join(home, 'window.json'), text);
      expect(readWindowState(home)).toBeUndefined();
    }
    saveWindowState(path.join(home, 'nowhere'), STATE);
  });
});

describe('remembering', () => {
  afterEach(() => vi.useRealTimers());
  it('waits until the mouse rests, and does not miss the close', () => {
    vi.useFakeTimers();
    const saved: WindowState[] = [];
    let x = 0;
    const events = new EventEmitter();
    const window: WindowLike = {
      getNormalBounds: () => ({ x: (x += 1), y: 0, width: 800, height: 600 }),
      isMaximized: () => true,
      on: (event, listener) => events.on(event, listener),
    };
    rememberWindow(window, (state) => saved.push(state));
    for (let i = 0; i < 5; i++) events.emit('resize');
    expect(saved).toEqual([]);
    vi.advanceTimersByTime(1000);
    expect(saved).toEqual([{ x: 1, y: 0, width: 800, height: 600, maximised: true }]);
    events.emit('move');
    events.emit('close');
    vi.advanceTimersByTime(1000);
    expect(saved).toHaveLength(2);
  });
});
