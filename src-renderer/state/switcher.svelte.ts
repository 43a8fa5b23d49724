/** Adapters by task, the base model in the playground, and switching between adapters. */
import { api } from '../api.ts';
import { Action } from './action.svelte.ts';
import { Resource } from './resource.svelte.ts';

export interface Switched {
  taskId: string;
  /** Null: no base was loaded, so only the catalogue changed. */
  switchMs: number | null;
}

export class Switcher {
  readonly view = new Resource(async () => {
    const [tasks, adapters, models, playground] = await Promise.all([
      api.tasks.list.query(),
      api.adapters.list.query(),
      api.models.list.query(),
      api.playground.state.query(),
    ]);
    return { tasks, adapters, models, playground };
  });
  readonly switching = new Action();
  readonly loading = new Action();
  readonly removing = new Action();
  last = $state.raw<Switched | undefined>();

  /** Makes an adapter (null: the plain base) the active one of its task. */
  async switchTo(taskId: string, adapterId: string | null): Promise<void> {
    const done = await this.switching.run(() => api.tasks.switch.mutate({ taskId, adapterId }));
    if (done) this.last = { taskId, switchMs: done.switchMs };
    await this.view.load();
  }

  /** Loads a base model, so that a switch also replaces A and B in it. */
  async loadBase(modelId: string): Promise<void> {
    await this.loading.run(() => api.playground.load.mutate({ modelId }));
    await this.view.load();
  }

  async remove(id: string): Promise<void> {
    await this.removing.run(() => api.adapters.remove.mutate({ id }));
    await this.view.load();
  }

  async removeTask(id: string): Promise<void> {
    await this.removing.run(() => api.tasks.remove.mutate({ id }));
    await this.view.load();
  }
}
