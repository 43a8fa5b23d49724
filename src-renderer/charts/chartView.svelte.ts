/**
 * What the charts of one run share: zoom, cursor, smoothing, scale and compared runs. Kept on this machine.
 */
import type { Range } from './drawn.ts';
import { usualSmoothing } from './smooth.ts';

const KEY = 'graft.charts';
/** Runs whose view is remembered; the oldest goes first. */
const REMEMBERED = 40;

interface Kept {
  range?: Range | undefined;
  /** Absent: as usual for the length of the run. */
  smoothed?: number | undefined;
  log: boolean;
  compare: string[];
}

export class ChartView {
  /** Undefined: all steps. */
  range = $state.raw<Range | undefined>();
  /** Steps of the run, or of the longest one shown. */
  steps = $state(0);
  log = $state(false);
  /** Ids of the runs that are drawn beside this one. */
  compare = $state.raw<string[]>([]);
  /** Step at the cursor of every chart. */
  cursorStep = $state<number | undefined>();
  #smoothed = $state<number | undefined>();
  readonly #id: string;

  constructor(id: string) {
    this.#id = id;
    const kept = readAll()[id];
    if (!kept) return;
    this.range = kept.range;
    this.#smoothed = kept.smoothed;
    this.log = kept.log;
    this.compare = kept.compare;
  }

  /** Share of the past in the smoothed loss. */
  get smoothing(): number {
    return this.#smoothed ?? usualSmoothing(this.steps);
  }

  set smoothing(share: number) {
    if (share !== this.smoothing) this.#smoothed = share;
  }

  /** Shows these steps in every chart; a span of less than one step shows one. */
  zoom({ min, max }: Range): void {
    this.range = max - min < 1 ? { min: min - 0.5, max: min + 0.5 } : { min, max };
  }

  reset(): void {
    this.range = undefined;
  }

  /** Remembers the view; call it in an effect, so that every change is kept. */
  keep(): void {
    const { range, log, compare } = this;
    const others = Object.entries(readAll()).filter(([id]) => id !== this.#id);
    const all = [...others, [this.#id, { range, smoothed: this.#smoothed, log, compare }]].slice(-REMEMBERED);
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
