/** What can be done to adapters on every page that shows them: change, delete with a way back, restore. */
import { counted } from '../../../src-shared/plural.ts';
import { api, type AdapterView } from '../api.ts';
import { Action } from '../action.svelte.ts';
import { toasts } from '../toasts.svelte.ts';

export abstract class AdapterChanges {
  readonly changing = new Action();

  /** Reads again what the page shows. */
  protected abstract reload(): Promise<void>;

  /** Changes name, notes, tags or task. True when it is done. */
  update(id: string, changes: { name?: string; notes?: string; tags?: string[]; taskId?: string }): Promise<boolean> {
    return this.change(() => api.adapters.update.mutate({ id, ...changes }));
  }

  /** To the trash, with a way back. True when it is done. */
  async trash(adapters: readonly Pick<AdapterView, 'id' | 'name'>[]): Promise<boolean> {
    const ids = adapters.map(({ id }) => id);
    if (!(await this.change(() => api.adapters.trash.mutate({ ids })))) return false;
    const what = adapters.length === 1 ? `"${adapters[0]?.name}"` : counted(adapters.length, ['adapter', 'adapters']);
    toasts.show({ text: `Moved ${what} to the trash.`, action: { label: 'Undo', run: () => void this.restore(ids) } });
    return true;
  }

  async restore(ids: string[]): Promise<void> {
    if (await this.change(() => api.adapters.restore.mutate({ ids })))
      toasts.show({
        text: ids.length === 1 ? 'Restored.' : `Restored ${counted(ids.length, ['adapter', 'adapters'])}.`,
        tone: 'good',
      });
  }

  /** True when the work succeeded; the sentence is in `changing` when not. */
  protected async change(work: () => Promise<unknown>): Promise<boolean> {
    const done = await this.changing.run(() => work().then(() => true));
    await this.reload();
    return done ?? false;
  }
}
