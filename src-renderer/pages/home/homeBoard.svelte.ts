/** The start page: the board of tasks, what runs, and the latest exports; all of it from one call, runs live. */
import { api, type BoardRun, type RunProgress, type WatchAllEvent } from '../../lib/api.ts';
import { streamOptions } from '../../lib/stream.ts';
import { Resource } from '../../lib/resource.svelte.ts';
import { Switcher } from '../../lib/tasks/switcher.svelte.ts';
import { TaskChanges } from '../../lib/tasks/taskChanges.svelte.ts';

export class HomeBoard extends TaskChanges {
  readonly resource = new Resource(() => api.home.board.query());
  readonly switcher = new Switcher(() => this.resource.load());
  /** Why the runs under way cannot be watched. */
  streamError = $state<string | undefined>();
  /** Nothing has been trained or imported yet. */
  readonly fresh = $derived(
    this.resource.data !== undefined &&
      this.resource.data.counts.runs === 0 &&
      this.resource.data.counts.adapters === 0,
  );
  readonly runs = $derived((this.resource.data?.runs ?? []).map((run) => withProgress(run, this.#progress[run.id])));
  /** By the run: those on other machines go on at the same time. */
  #progress = $state.raw<Readonly<Record<string, RunProgress>>>({});
  #unsubscribe: (() => void) | undefined;

  /** Reads the board and follows the runs until it is closed. */
  open(): void {
    this.switcher.switching.failure = undefined;
    this.close();
    this.streamError = undefined;
    void this.resource.load();
    const handlers = {
      data: (event: WatchAllEvent) => this.#receive(event),
      failed: (sentence: string) => (this.streamError = sentence),
      done: () => undefined,
    };
    const subscription = api.runs.watchAll.subscribe(
      undefined,
      streamOptions(handlers, () => this.close()),
    );
    this.#unsubscribe = () => subscription.unsubscribe();
  }

  close(): void {
    this.#unsubscribe?.();
    this.#unsubscribe = undefined;
  }

  protected override reload(): Promise<void> {
    return this.resource.load();
  }

  #receive(event: WatchAllEvent): void {
    if (event.type === 'watching') void this.resource.load();
    else if (event.type === 'progress') this.#progress = { ...this.#progress, [event.id]: event };
    else if (this.#changes(event)) void this.resource.load();
  }

  /**
   * Whether the board shows this run otherwise than it now is; the first events repeat what the board has just read.
   */
  #changes(event: Exclude<WatchAllEvent, { type: 'progress' | 'watching' }>): boolean {
    if (event.type === 'removed') return true;
    const shown = this.resource.data?.runs.find(({ id }) => id === event.run.id);
    if (shown?.notBefore !== event.run.notBefore || shown.away?.phase !== event.run.away?.phase) return true;
    return shown.status !== event.run.status || (shown.totalSteps === null && event.run.started !== null);
  }
}

function withProgress(run: BoardRun, live: RunProgress | undefined): BoardRun {
  if (!live || live.step < run.step) return run;
  return {
    ...run,
    step: live.step,
    totalSteps: live.totalSteps,
    loss: live.loss,
  };
}
