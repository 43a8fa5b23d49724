/** All runs and the queue, kept up to date by what the server tells of any of them. */
import { api, type RunProgress, type RunView, type WatchAllEvent } from '../../lib/api.ts';
import { failureOf, streamOptions, type Failure } from '../../lib/stream.ts';
import { Action } from '../../lib/action.svelte.ts';
import { Connection } from '../../lib/host/connection.svelte.ts';

export class RunList {
  /** Newest first; undefined until they have been read. */
  runs = $state.raw<RunView[] | undefined>();
  progress = $state.raw<Record<string, RunProgress>>({});
  failure = $state.raw<Failure | undefined>();
  readonly action = new Action();
  readonly connection = new Connection(() => void this.open());
  readonly queue = $derived(
    (this.runs ?? [])
      .filter((run) => run.status === 'queued' && !run.away)
      .sort((a, b) => (a.queuePosition ?? 0) - (b.queuePosition ?? 0) || a.createdAt.localeCompare(b.createdAt)),
  );
  readonly underWay = $derived(
    (this.runs ?? []).filter((run) => (run.status === 'running' || run.status === 'paused') && !run.away),
  );
  /** Not over, on other machines. */
  readonly away = $derived(
    (this.runs ?? []).filter((run) => run.away && ['queued', 'running', 'paused'].includes(run.status)),
  );
  #unsubscribe: (() => void) | undefined;

  async open(): Promise<void> {
    this.close();
    this.failure = undefined;
    this.#watch();
    await this.#read();
  }

  async #read(): Promise<void> {
    try {
      this.runs = await api.runs.list.query();
    } catch (error) {
      this.#fail(failureOf(error));
    }
  }

  close(): void {
    this.#unsubscribe?.();
    this.#unsubscribe = undefined;
    this.connection.close();
  }

  /** Reorders the queue. The list shows it at once, and goes back if the server refuses. */
  async reorder(ids: string[]): Promise<void> {
    const before = this.runs;
    this.runs = this.runs?.map((run) =>
      ids.includes(run.id) ? { ...run, queuePosition: ids.indexOf(run.id) + 1 } : run,
    );
    const done = await this.action.run(() => api.runs.reorder.mutate({ ids }).then(() => true));
    if (!done) this.runs = before;
  }

  async cancel(id: string): Promise<void> {
    const run = await this.action.run(() => api.runs.stop.mutate({ id }));
    if (run) this.#put(run);
  }

  /** Puts runs that are over away, or back onto the list; true when that is done. */
  async archive(ids: readonly string[], archived: boolean): Promise<boolean> {
    const runs = await this.action.run(() => api.runs.archive.mutate({ ids: [...ids], archived }));
    runs?.forEach((run) => this.#put(run));
    return runs !== undefined;
  }

  /** Puts a tag on each of these runs; true when all have it. */
  async tag(ids: readonly string[], tag: string): Promise<boolean> {
    const done = await this.action.run(async () => {
      for (const id of ids) {
        const tags = this.runs?.find((run) => run.id === id)?.tags ?? [];
        if (!tags.includes(tag)) this.#put(await api.runs.annotate.mutate({ id, tags: [...tags, tag] }));
      }
      return true;
    });
    return done === true;
  }

  /** Deletes runs that are over; how many it were before one could not be deleted. */
  async remove(ids: readonly string[]): Promise<number> {
    let removed = 0;
    await this.action.run(async () => {
      for (const id of ids) {
        await api.runs.remove.mutate({ id });
        this.#drop(id);
        removed += 1;
      }
    });
    return removed;
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
    if (event.type === 'watching')
      void this.#read(); // what was read before may be out of date
    else if (event.type === 'run') this.#put(event.run);
    else if (event.type === 'removed') this.#drop(event.id);
    else this.progress = { ...this.progress, [event.id]: event };
  }

  /** Before the list is read there is nothing to keep up to date: it will have the run. */
  #put(run: RunView): void {
    if (!this.runs) return;
    const known = this.runs.some(({ id }) => id === run.id);
    this.runs = known ? this.runs.map((other) => (other.id === run.id ? run : other)) : [run, ...this.runs];
  }

  #drop(id: string): void {
    this.runs = this.runs?.filter((run) => run.id !== id);
  }

  #fail(failure: Failure): void {
    if (!this.connection.note(failure)) this.failure = failure;
  }
}
