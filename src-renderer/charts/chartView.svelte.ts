/**
 * What the charts of one run share: x axis, zoom, cursor, smoothing, scale and compared runs. Kept on this machine.
 */
import type { Range } from './drawn.ts';
import { usualSmoothing } from './smooth.ts';
import type { XAxis } from './xAxis.ts';

const KEY = 'graft.charts';
/** Runs whose view is remembered; the oldest goes first. */
const REMEMBERED = 40;

interface Kept {
  range?: Range | undefined;
  /** Absent: as usual for the length of the run. */
  smoothed?: number | undefined;
  log: boolean;
  compare: string[];
  /** Absent: steps. */
  axis?: XAxis;
}

export class ChartView {
  /** On the x axis; undefined: all of it. */
  range = $state.raw<Range | undefined>();
  /** Steps of the run, or of the longest one shown. */
  steps = $state(0);
  log = $state(false);
  /** Ids of the runs that are drawn beside this one. */
  compare = $state.raw<string[]>([]);
  /** Where the cursor of every chart stands on the x axis. */
  cursorX = $state<number | undefined>();
  #smoothed = $state<number | undefined>();
  #axis = $state<XAxis>('step');
  readonly #id: string;

  constructor(id: string) {
    this.#id = id;
    const kept = readAll()[id];
    if (!kept) return;
    this.range = kept.range;
    this.#smoothed = kept.smoothed;
    this.log = kept.log;
    this.compare = kept.compare;
    this.#axis = kept.axis ?? 'step';
  }

  /** Share of the past in the smoothed loss. */
  get smoothing(): number {
    return this.#smoothed ?? usualSmoothing(this.steps);
  }

  set smoothing(share: number) {
    if (share !== this.smoothing) this.#smoothed = share;
  }

  get axis(): XAxis {
    return this.#axis;
  }

  /** Another axis has other numbers, so that zoom and cursor mean nothing on it. */
  set axis(axis: XAxis) {
    if (axis === this.#axis) return;
    this.#axis = axis;
    this.cursorX = undefined;
    this.reset();
  }

  /** Shows this span in every chart; one of less than a step shows one. */
  zoom({ min, max }: Range): void {
    this.range = this.#axis === 'step' && max - min < 1 ? { min: min - 0.5, max: min + 0.5 } : { min, max };
  }

  reset(): void {
    this.range = undefined;
  }

  /** Remembers the view; call it in an effect, so that every change is kept. */
  keep(): void {
    const { range, log, compare, axis } = this;
    const others = Object.entries(readAll()).filter(([id]) => id !== this.#id);
    const all = [...others, [this.#id, { range, smoothed: this.#smoothed, log, compare, axis }]].slice(-REMEMBERED);
    localStorage.setItem(KEY, JSON.stringify(Object.fromEntries(all)));
  }
}

/** Views by run; nothing where what is stored cannot be read. */
function readAll(): Record<string, Kept> {
  try {
    return JSON.parse(localStorage.getItem(KEY) ?? '{}') as Record<string, Kept>;
  } catch {
    return {};
  }
}
