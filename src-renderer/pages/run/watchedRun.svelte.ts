/**
 * One run as its page shows it: the row and all that is recorded first, then live events. A reload therefore loses
 * nothing, and a run that ended long ago looks the same as one watched to its end. A run that another Graft process
 * trains sends no events here; it is read again and again instead.
 */
import { api, type RunView, type WatchEvent } from '../../lib/api.ts';
import type { LoadProgress } from '../../../src-shared/loadProgress.ts';
import { SeriesStore } from '../../charts/seriesStore.ts';
import { failureOf, streamOptions, type Failure } from '../../lib/stream.ts';
import { Connection } from '../../lib/host/connection.svelte.ts';
import { underWay } from '../../lib/runs/underWay.svelte.ts';
import { readSeries } from '../../charts/readSeries.ts';

/** Pause between two readings while no events come. */
const READ_EVERY_MS = 500;
const READ_WAITING_EVERY_MS = 2000;
/** Figures that change more often cannot be read. */
const SHOW_EVERY_MS = 100;

export class WatchedRun {
  readonly id: string;
  run = $state.raw<RunView | undefined>();
  /** Not reactive: `version` grows, a few times a second, when it has changed. */
  readonly store = new SeriesStore();
  version = $state(0);
  /** What was recorded has been read. */
  ready = $state(false);
  failure = $state.raw<Failure | undefined>();
  /** How far the base model is, while it is being loaded. */
  loading = $state.raw<LoadProgress | undefined>();
  readonly connection = new Connection(() => void this.open());
  readonly active = $derived(this.run !== undefined && ['queued', 'running', 'paused'].includes(this.run.status));
  readonly totalSteps = $derived(this.run?.started?.totalSteps ?? this.run?.spec.train.steps ?? 0);
  readonly lastStep = $derived.by(() => this.#now(() => this.store.lastStep));
  readonly last = $derived.by(() => this.#now(() => this.#lastMetrics()));
  /** Milliseconds; a run that another Graft process trains is judged by its last steps. */
  readonly remainingMs = $derived.by(() => {
    if (this.run?.status !== 'running' || this.connection.lost || underWay.lost) return undefined;
    return underWay.msLeft(this.id) ?? this.#now(() => this.store.timeLeftMs(this.totalSteps));
  });
  /** Events that came before what is recorded was read. */
  #early: WatchEvent[] = [];
  #caughtUp = false;
  #onEvent: (event: WatchEvent) => void;
  #onOpen: () => void;
  #opening = 0;
  #heardAt = 0;
  #showing: ReturnType<typeof setTimeout> | undefined;
  #timer: ReturnType<typeof setTimeout> | undefined;
  #unsubscribe: (() => void) | undefined;

  /** `onEvent` gets every live event; `onOpen` is called each time that what is recorded is read anew. */
  constructor(id: string, onEvent: (event: WatchEvent) => void, onOpen: () => void) {
    this.id = id;
    this.#onEvent = onEvent;
    this.#onOpen = onOpen;
  }

  /**
   * Watches, reads what is recorded, then takes in the events that came meanwhile. Nothing is read before the first
   * event, which says that the host tells what happens from then on: steps between the two would be missing for good.
   */
  async open(): Promise<void> {
    this.close();
    const mine = ++this.#opening;
    this.failure = undefined;
    try {
      await this.#watch();
      if (mine !== this.#opening) return;
      this.#onOpen();
      const [run] = await Promise.all([api.runs.get.query({ id: this.id }), readSeries(this.id, this.store)]);
      if (mine !== this.#opening) return;
      this.run ??= run;
      this.ready = true;
      this.#caughtUp = true;
      for (const event of this.#early.splice(0)) this.#take(event);
      this.#changed();
      this.#readLater();
    } catch (error) {
      if (mine === this.#opening) this.#fail(failureOf(error));
    }
  }

  close(): void {
    this.#opening += 1;
    this.#unsubscribe?.();
    this.#unsubscribe = undefined;
    this.#early = [];
    this.#caughtUp = false;
    this.connection.close();
    clearTimeout(this.#timer);
    clearTimeout(this.#showing);
    this.#showing = undefined;
  }

  /** Smooths the loss with this share of the past. */
  smoothWith(beta: number): void {
    this.store.smoothWith(beta);
    this.version += 1;
  }

  /** Settles with the first event; a failure is told by itself and leaves it open. */
  #watch(): Promise<void> {
    const { promise, resolve } = Promise.withResolvers<void>();
    const handlers = {
      data: (event: WatchEvent) => {
        resolve();
        this.#receive(event);
      },
      failed: (_sentence: string, failure: Failure) => this.#fail(failure),
      done: () => this.#changed(),
    };
    const subscription = api.runs.watch.subscribe(
      { id: this.id },
      streamOptions(handlers, () => this.#unsubscribe?.()),
    );
    this.#unsubscribe = () => subscription.unsubscribe();
    return promise;
  }

  #receive(event: WatchEvent): void {
    this.#heardAt = performance.now();
    this.loading = event.type === 'loading' ? event : event.type === 'started' ? undefined : this.loading;
    if (event.type === 'status') this.#put(event.run);
    else if (this.#caughtUp) this.#take(event);
    else this.#early.push(event);
    this.#onEvent(event);
  }

  #take(event: WatchEvent): void {
    if (event.type === 'started') this.store.cutAfter(event.resumedFrom);
    else if (event.type === 'steps') for (const metrics of event.steps) this.store.append(metrics);
    else if (event.type === 'eval') this.store.putEvaluation(event.step, event.valLoss, event.preference);
    else return;
    this.#changed();
  }

  /** A run resumed elsewhere repeats the steps after its saved state. */
  #put(run: RunView): void {
    const resumedFrom = run.started?.resumedFrom;
    if (this.run?.started && resumedFrom !== undefined && resumedFrom !== this.run.started.resumedFrom)
      this.store.cutAfter(resumedFrom);
    this.run = run;
  }

  #readLater(): void {
    if (!this.active) return;
    this.#timer = setTimeout(
      () => void this.#read(),
      this.run?.status === 'running' ? READ_EVERY_MS : READ_WAITING_EVERY_MS,
    );
  }

  /** Reads what is new where no event has come for a while. */
  async #read(): Promise<void> {
    const mine = this.#opening;
    try {
      if (performance.now() - this.#heardAt > READ_EVERY_MS) {
        const [run, isNew] = await Promise.all([api.runs.get.query({ id: this.id }), readSeries(this.id, this.store)]);
        if (mine !== this.#opening) return;
        this.#put(run);
        if (isNew) this.#changed();
      }
      this.#readLater();
    } catch (error) {
      if (mine === this.#opening) this.#fail(failureOf(error));
    }
  }

  #fail(failure: Failure): void {
    if (!this.connection.note(failure)) this.failure = failure;
  }

  #changed(): void {
    this.#showing ??= setTimeout(() => {
      this.#showing = undefined;
      this.version += 1;
    }, SHOW_EVERY_MS);
  }

  /** A value derived anew from the store with every version. */
  #now<T>(read: () => T): T {
    void this.version;
    return read();
  }

  #lastMetrics() {
    const { columns, choices } = this.store;
    if (this.store.length === 0) return undefined;
    return {
      loss: columns.loss.last ?? NaN,
      tokensPerSecond: columns.tokensPerSecond.last ?? NaN,
      memoryBytes: columns.memoryBytes.last ?? NaN,
      valLoss: this.store.evaluations.valLoss.last,
      totalMs: this.store.totalMs,
      // Of the held-out choices, else of the last ones trained on.
      accuracy: choices.evaluations.accuracy.last ?? choices.smoothed.accuracy.last,
    };
  }
}
