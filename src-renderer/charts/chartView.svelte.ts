/**
 * What the charts of one run share: zoom, cursor, smoothing, scale and compared runs. Kept on this machine.
 */
import type { Range } from './drawn.ts';

const KEY = 'graft.charts';
/** Runs whose view is remembered; the oldest goes first. */
const REMEMBERED = 40;

interface Kept {
  range?: Range | undefined;
  smoothing: number;
  log: boolean;
  compare: string[];
}

export class ChartView {
  /** Undefined: all steps. */
  range = $state.raw<Range | undefined>();
  /** Share of the past in the smoothed loss. */
  smoothing = $state(0.9);
  log = $state(false);
  /** Ids of the runs that are drawn beside this one. */
  compare = $state.raw<string[]>([]);
  /** Step at the cursor of every chart. */
  cursorStep = $state<number | undefined>();
  readonly #id: string;

  constructor(id: string) {
    this.#id = id;
    const kept = readAll()[id];
    if (!kept) return;
    this.range = kept.range;
    this.smoothing = kept.smoothing;
    this.log = kept.log;
    this.compare = kept.compare;
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
    const { range, smoothing, log, compare } = this;
    const others = Object.entries(readAll()).filter(([id]) => id !== this.#id);
    const all = [...others, [this.#id, { range, smoothing, log, compare }]].slice(-REMEMBERED);
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
