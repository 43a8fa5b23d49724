/** Looks at the temperature while a run is under way, tells it, and holds the run where the user has set a limit. */
import type { Adapter } from '../../hardware/cards.ts';
import { readTemperatures, type Temperatures } from '../../hardware/temperatures.ts';
import { isHeld, type Heat } from '../../../src-shared/heat.ts';
import { partOf } from './part.ts';
import { Watchers } from '../events/watchers.ts';
import type { RunService } from '../runs/service.ts';
import type { RunView } from '../runs/view.ts';
import type { SettingsService } from '../settings/service.ts';

/** A driver takes up to a second to answer, and a card some seconds to become hot. */
const EVERY_MS = 5000;

interface Parts {
  runs: Pick<RunService, 'subscribeAll' | 'hold'>;
  settings: Pick<SettingsService, 'read'>;
  /** The card that a run computes on; null: the processor. */
  adapterOf: (run: RunView) => Adapter | null;
  read?: () => Promise<Temperatures>;
  everyMs?: number;
}

export class HeatService {
  #parts: Required<Parts>;
  #watchers = new Watchers<Heat>();
  #run: RunView | undefined;
  #latest: Heat | null = null;
  #timer: NodeJS.Timeout | undefined;
  #unsubscribe: (() => void) | undefined;

  constructor(parts: Parts) {
    this.#parts = { read: readTemperatures, everyMs: EVERY_MS, ...parts };
  }

  /** Of the run under way; null where none is, or nothing has been read yet. */
  get latest(): Heat | null {
    return this.#latest;
  }

  begin(): void {
    this.#unsubscribe = this.#parts.runs.subscribeAll((event) => {
      if (event.type === 'run') this.#follow(event.run);
    });
  }

  subscribe(listener: (heat: Heat) => void): () => void {
    return this.#watchers.subscribe('all', listener);
  }

  /** What can be read on this machine now. */
  read(): Promise<Temperatures> {
    return this.#parts.read();
  }

  close(): void {
    this.#unsubscribe?.();
    this.#forget();
  }

  /** A run has sensors to look at once it has said what it computes on. */
  #follow(run: RunView): void {
    if (run.status === 'running' && run.started) {
      const isNew = this.#run?.id !== run.id || this.#run.pid !== run.pid;
      this.#run = run;
      if (!isNew) return;
      this.#latest = null;
      void this.#look();
    } else if (this.#run?.id === run.id) this.#forget();
  }

  #forget(): void {
    clearTimeout(this.#timer);
    this.#run = undefined;
    this.#latest = null;
  }

  async #look(): Promise<void> {
    clearTimeout(this.#timer);
    const run = this.#run;
    if (!run) return;
    // A driver that fails tells nothing, and a run whose temperature is unknown is not held.
    const told = await this.#parts.read().catch(() => ({ cards: [], processorC: null }));
    if (this.#run?.id !== run.id || this.#run.pid !== run.pid) return;
    const part = partOf(told, this.#parts.adapterOf(run));
    const before = this.#latest?.held ?? false;
    const limit = this.#parts.settings.read().heatLimit;
    const wanted = isHeld({ temperatureC: part.temperatureC, held: before }, limit);
    const isDone = wanted === before || this.#parts.runs.hold(run.id, wanted, sentenceOf(part, wanted));
    this.#latest = { runId: run.id, ...part, held: isDone ? wanted : before };
    this.#watchers.emit('all', this.#latest);
    this.#timer = setTimeout(() => void this.#look(), this.#parts.everyMs).unref();
  }
}

function sentenceOf({ part, temperatureC }: Pick<Heat, 'part' | 'temperatureC'>, held: boolean): string {
  const name = part === 'card' ? 'graphics card' : 'processor';
  if (temperatureC === null) return `The run goes on: the temperature of the ${name} is not known any more.`;
  const degrees = `${Math.round(temperatureC)} °C`;
  return held
    ? `The run is held between two steps: the ${name} is at ${degrees}.`
    : `The run goes on: the ${name} is at ${degrees}.`;
}
