/** Creating, renaming and deleting tasks, on top of what can be done to their adapters. */
import { api, type AdapterView } from '../api.ts';
import { AdapterChanges } from './adapterChanges.svelte.ts';

export abstract class TaskChanges extends AdapterChanges {
  /** Id of a task that could not be deleted because it has adapters. */
  fullTask = $state<string | undefined>();

  createTask(name: string): Promise<boolean> {
    return this.change(() => api.tasks.create.mutate({ name }));
  }

  renameTask(id: string, name: string): Promise<boolean> {
    return this.change(() => api.tasks.rename.mutate({ id, name }));
  }

  /** Deletes an empty task; one with adapters stays, and `fullTask` names it. */
  async removeTask(id: string): Promise<void> {
    await this.change(() => api.tasks.remove.mutate({ id }));
    this.fullTask = this.changing.failure?.code === 'TASK_NOT_EMPTY' ? id : undefined;
  }

  override async trash(adapters: readonly Pick<AdapterView, 'id' | 'name'>[]): Promise<boolean> {
    this.fullTask = undefined;
    return super.trash(adapters);
  }
}
