/** Switching between the adapters of a task, and loading the base model that a switch takes effect in. */
import { api } from '../api.ts';
import { formatDuration } from '../format.ts';
import { Action } from '../action.svelte.ts';

export interface Switched {
  taskId: string;
  /** Null: no base was loaded, so only the catalogue changed. */
  switchMs: number | null;
}

export class Switcher {
  readonly switching = new Action();
  readonly loading = new Action();
  last = $state.raw<Switched | undefined>();
  #reload: () => Promise<void>;

  /** `reload` reads again what the page shows. */
  constructor(reload: () => Promise<void>) {
    this.#reload = reload;
  }

  /** Makes an adapter (null: the plain base) the active one of its task. */
  async switchTo(taskId: string, adapterId: string | null): Promise<void> {
    const done = await this.switching.run(() => api.tasks.switch.mutate({ taskId, adapterId }));
    if (done) this.last = { taskId, switchMs: done.switchMs };
    await this.#reload();
  }

  /** Loads a base model, so that a switch also replaces A and B in it. */
  async loadBase(modelId: string): Promise<void> {
    await this.loading.run(() => api.playground.load.mutate({ modelId }));
    await this.#reload();
  }

  /** What the last switch of this task did, in a sentence. */
  sentence(taskId: string): string {
    if (this.last?.taskId !== taskId) return '';
    return this.last.switchMs === null
      ? 'Active now; no base was loaded to attach it to.'
      : `Switched in ${formatDuration(this.last.switchMs)}.`;
  }
}
