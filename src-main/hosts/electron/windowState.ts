/** Size and place of the window, remembered in the data folder; a place that no display shows any more is not used. */
import fs from 'node:fs';
import path from 'node:path';
import { z } from 'zod';
import { writeFileAtomic } from '../../files/writeWhole.ts';

export interface Rect {
  x: number;
  y: number;
  width: number;
  height: number;
}

const stateSchema = z.object({
  x: z.int(),
  y: z.int(),
  width: z.int().positive(),
  height: z.int().positive(),
  maximised: z.boolean(),
});
export type WindowState = z.infer<typeof stateSchema>;

/** What the window asks of the screen at least; see window.ts. */
export const MIN_SIZE = { width: 760, height: 520 };
const DEFAULT_SIZE = { width: 1280, height: 860 };
/** Of the window's top edge, this much must be in reach of the mouse. */
const GRIP = { width: 120, height: 32 };
const SAVE_DELAY_MS = 400;

const fileIn = (homeDir: string): string => path.join(homeDir, 'window.json');

/** Undefined where none was kept, or the file is not what this Graft writes. */
export function readWindowState(homeDir: string): WindowState | undefined {
  try {
    return stateSchema.parse(JSON.parse(fs.readFileSync(fileIn(homeDir), 'utf8')));
  } catch {
    return undefined;
  }
}

/** A window that cannot be remembered is no reason to stop. */
export function saveWindowState(homeDir: string, state: WindowState): void {
  try {
    writeFileAtomic(fileIn(homeDir), `${JSON.stringify(state)}\n`);
  } catch (error) {
    if (!(error instanceof Error && 'code' in error)) throw error;
  }
}

/** Bounds to open with. Without x and y the system centres the window. `areas`: what each display leaves free. */
export function placeOn(
  state: WindowState | undefined,
  areas: Rect[],
): { width: number; height: number; x?: number; y?: number; maximised: boolean } {
  const home = state && areas.find((area) => gripShows(state, area));
  if (!state || !home) {
    const area = areas[0] ?? { ...DEFAULT_SIZE, x: 0, y: 0 };
    const wanted = state ?? DEFAULT_SIZE;
    return { ...fitted(wanted, area), maximised: state?.maximised ?? false };
  }
  return { x: state.x, y: state.y, ...fitted(state, home), maximised: state.maximised };
}

function fitted({ width, height }: { width: number; height: number }, area: Rect): { width: number; height: number } {
  return {
    width: Math.max(MIN_SIZE.width, Math.min(width, area.width)),
    height: Math.max(MIN_SIZE.height, Math.min(height, area.height)),
  };
}

function gripShows({ x, y, width }: WindowState, area: Rect): boolean {
  const across = Math.min(x + width, area.x + area.width) - Math.max(x, area.x);
  return across >= GRIP.width && y >= area.y && y + GRIP.height <= area.y + area.height;
}

/** What is needed of Electron's window. */
export interface WindowLike {
  getNormalBounds(): Rect;
  isMaximized(): boolean;
  on(event: 'resize' | 'move' | 'maximize' | 'unmaximize' | 'close', listener: () => void): unknown;
}

/** Keeps the window's state: soon after it has changed, and at once when it closes. */
export function rememberWindow(window: WindowLike, save: (state: WindowState) => void): void {
  let timer: ReturnType<typeof setTimeout> | undefined;
  const now = (): void => {
    clearTimeout(timer);
    const { x, y, width, height } = window.getNormalBounds();
    save({ x, y, width, height, maximised: window.isMaximized() });
  };
  const soon = (): void => {
    clearTimeout(timer);
    timer = setTimeout(now, SAVE_DELAY_MS);
  };
  for (const event of ['resize', 'move', 'maximize', 'unmaximize'] as const) window.on(event, soon);
  window.on('close', now);
}
