/** What was asked before: listed, searched, fetched, deleted. */
import { api, type HistoryEntry } from '../../lib/api.ts';
import { Action } from '../../lib/action.svelte.ts';
import { Resource } from '../../lib/resource.svelte.ts';
import { toasts } from '../../lib/toasts.svelte.ts';

const PAGE = 100;

export class PlaygroundHistory {
  search = $state('');
  #limit = $state(PAGE);
  readonly list = new Resource(() => api.playground.history.list.query({ search: this.search, limit: this.#limit }));
  readonly acting = new Action();
  /** There may be more than is listed. */
  readonly more = $derived((this.list.data?.length ?? 0) === this.#limit);

  showMore(): void {
    this.#limit += PAGE;
    void this.list.load();
  }

  async fetch(id: string): Promise<HistoryEntry | undefined> {
    return this.acting.run(() => api.playground.history.get.query({ id }));
  }

  /** Deletes an entry; the message that says so can bring it back. */
  async remove(id: string): Promise<void> {
    await this.acting.run(async () => {
      const { modelId, title, request, answers } = await api.playground.history.get.query({ id });
      await api.playground.history.remove.mutate({ id });
      const undo = async (): Promise<void> => {
        await this.acting.run(() =>
          api.playground.history.save.mutate({ id, modelId: modelId ?? '', title, request, answers }),
        );
        await this.list.load();
      };
      toasts.show({ text: 'Deleted from the history.', action: { label: 'Undo', run: () => void undo() } });
    });
    await this.list.load();
  }

  async clear(): Promise<void> {
    await this.acting.run(() => api.playground.history.clear.mutate());
    this.search = '';
    await this.list.load();
  }
}
