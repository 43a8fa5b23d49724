/** A study, read again whenever one of its runs changes, and now and then while one trains. */
import { api, type RunProgress, type StudyView, type WatchAllEvent } from '../../lib/api.ts';
import { Action } from '../../lib/action.svelte.ts';
import { Connection } from '../../lib/host/connection.svelte.ts';
import { failureOf, streamOptions, type Failure } from '../../lib/stream.ts';

/** Shortest time between two readings. */
const READ_MS = 700;
/** While nothing but steps are told. */
const REFRESH_MS = 3000;

export class WatchedStudy {
  study = $state.raw<StudyView | undefined>();
  /** Of the run under way, if it is one of the study. */
  progress = $state.raw<RunProgress | undefined>();
  failure = $state.raw<Failure | undefined>();
  /** Variant that the others are compared with; undefined: the best. */
  baseline = $state<number | undefined>();
  readonly action = new Action();
  readonly connection = new Connection(() => void this.open());
  readonly #id: string;
  #unsubscribe: (() => void) | undefined;
  #timer: ReturnType<typeof setTimeout> | undefined;
  #readMs = 0;

  constructor(id: string) {
    this.#id = id;
  }

  async open(): Promise<void> {
    this.close();
    this.failure = undefined;
    this.#watch();
    await this.read();
  }

  close(): void {
    this.#unsubscribe?.();
    this.#unsubscribe = undefined;
    clearTimeout(this.#timer);
    this.#timer = undefined;
    this.connection.close();
  }

  async read(): Promise<void> {
    this.#readMs = performance.now();
    try {
      const { baseline } = this;
      this.study = await api.studies.get.query({ id: this.#id, ...(baseline === undefined ? {} : { baseline }) });
    } catch (error) {
      this.#fail(failureOf(error));
    }
  }

  compareWith(baseline: number | undefined): void {
    this.baseline = baseline;
    void this.read();
  }

  async cancel(): Promise<void> {
    const study = await this.action.run(() => api.studies.cancel.mutate({ id: this.#id }));
    if (study) this.study = study;
  }

  async goOn(): Promise<void> {
    const study = await this.action.run(() => api.studies.resume.mutate({ id: this.#id }));
    if (study) this.study = study;
  }

  /** True once it is gone. */
  async remove(): Promise<boolean> {
    const done = await this.action.run(() => api.studies.remove.mutate({ id: this.#id }).then(() => true));
    return done === true;
  }

  /** The best run's adapter becomes the active one of its task; the task's name, where it did. */
  async useBest(): Promise<string | undefined> {
    const { taskId, bestRun } = this.study ?? {};
    if (!taskId || !bestRun) return undefined;
    const { adapterId } = bestRun;
    const switched = await this.action.run(() => api.tasks.switch.mutate({ taskId, adapterId }));
    return switched?.task.name;
  }

  #watch(): void {
    const handlers = {
      data: (event: WatchAllEvent) => this.#take(event),
      failed: (_sentence: string, failure: Failure) => this.#fail(failure),
      done: () => undefined,
    };
    const subscription = api.runs.watchAll.subscribe(
      undefined,
      streamOptions(handlers, () => this.#unsubscribe?.()),
    );
    this.#unsubscribe = () => subscription.unsubscribe();
  }

  #take(event: WatchAllEvent): void {
    if (event.type === 'watching') return void this.read(); // what was read before may be out of date
    const id = event.type === 'run' ? event.run.id : event.id;
    if (!this.study?.variants.some(({ runs }) => runs.some(({ runId }) => runId === id))) return;
    if (event.type === 'progress') this.progress = event;
    else if (this.progress?.id === id && !(event.type === 'run' && event.run.status === 'running'))
      this.progress = undefined;
    this.#readSoon(event.type === 'progress' ? REFRESH_MS : READ_MS);
  }

  #readSoon(ms: number): void {
    if (this.#timer !== undefined) {
      if (ms >= READ_MS * 2) return;
      clearTimeout(this.#timer);
    }
    const wait = Math.max(0, ms - (performance.now() - this.#readMs));
    this.#timer = setTimeout(() => {
      this.#timer = undefined;
      void this.read();
    }, wait);
  }

  #fail(failure: Failure): void {
    if (!this.connection.note(failure)) this.failure = failure;
  }
}
