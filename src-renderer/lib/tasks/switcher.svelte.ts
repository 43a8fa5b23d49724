/** Switching between the adapters of a task, and loading the base model that a switch takes effect in. */
import { api, ALONE } from '../api.ts';
import { formatDuration } from '../format.ts';
import { loadNote, rememberLoad } from './loadTimes.ts';
import { Action } from '../action.svelte.ts';

interface Switched {
  taskId: string;
  /** Null: no base was loaded, so only the catalogue changed. */
  switchMs: number | null;
  /** Of its base, where another one was loaded before. */
  loadMs: number | null;
}

/** An adapter, with the base that it is made for. */
interface Target {
  id: string;
  modelId: string | null;
  modelName: string | null;
}

export class Switcher {
  readonly switching = new Action();
  readonly loading = new Action();
  last = $state.raw<Switched | undefined>();
  /** A base is being loaded for this task. */
  waiting = $state.raw<{ taskId: string; text: string } | undefined>();
  /** What speaks against a switch that was asked for. */
  doubt = $state.raw<string[] | undefined>();
  #doubted: { taskId: string; adapter: Target | null } | undefined;
  #reload: () => Promise<void>;

  /** `reload` reads again what the page shows. */
  constructor(reload: () => Promise<void>) {
    this.#reload = reload;
  }

  /**
   * Makes an adapter (null: the plain base) the active one of its task, unless a suite says that it is worse than the
   * one that is active: then `doubt` asks first. Where another base is loaded, that of the adapter takes its place.
   */
  async switchTo(taskId: string, adapter: Target | null): Promise<void> {
    const input = { taskId, adapterId: adapter?.id ?? null };
    const regressions = await this.switching.run(() => api.suites.regressions.query(input, ALONE));
    if (regressions?.length) {
      this.#doubted = { taskId, adapter };
      this.doubt = regressions;
    } else if (regressions) await this.#switch(taskId, adapter);
  }

  /** Switches in spite of the doubt, whose question may be closed by now. */
  async goAhead(): Promise<void> {
    if (this.#doubted) await this.#switch(this.#doubted.taskId, this.#doubted.adapter);
  }

  async #switch(taskId: string, adapter: Target | null): Promise<void> {
    const done = await this.switching.run(async () => {
      const { switchMs } = await api.tasks.switch.mutate({ taskId, adapterId: adapter?.id ?? null });
      return switchMs === null && adapter !== null ? this.#onItsBase(taskId, adapter) : { switchMs, loadMs: null };
    });
    this.waiting = undefined;
    if (done) this.last = { taskId, ...done };
    await this.#reload();
  }

  /** With nothing loaded there is nothing to replace. */
  async #onItsBase(taskId: string, { id, modelId, modelName }: Target): Promise<Omit<Switched, 'taskId'>> {
    if (modelId === null || (await api.playground.state.query()).modelDir === null)
      return { switchMs: null, loadMs: null };
    const note = loadNote({ id: modelId, name: modelName ?? 'its base' });
    this.waiting = { taskId, text: `Active now; ${note}…` };
    const { load } = await api.playground.load.mutate({ modelId });
    if (load) rememberLoad(modelId, load.loadMs);
    const { switchMs } = await api.playground.attach.mutate({ adapterId: id });
    return { switchMs, loadMs: load?.loadMs ?? null };
  }

  /** Loads a base model, so that a switch also replaces A and B in it. */
  async loadBase(modelId: string): Promise<void> {
    const state = await this.loading.run(() => api.playground.load.mutate({ modelId }));
    if (state?.load) rememberLoad(modelId, state.load.loadMs);
    await this.#reload();
  }

  /** What the last switch of this task did, in a sentence. */
  sentence(taskId: string): string {
    if (this.waiting?.taskId === taskId) return this.waiting.text;
    if (this.last?.taskId !== taskId) return '';
    const { switchMs, loadMs } = this.last;
    if (switchMs === null) return 'Active now; no base was loaded to attach it to.';
    const loaded = loadMs === null ? '' : `Its base was loaded in ${formatDuration(loadMs)}. `;
    return `${loaded}Switched in ${formatDuration(switchMs)}.`;
  }
}
