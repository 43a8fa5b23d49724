/** The catalogue of adapters as its page shows it: what is listed, in what order, and what is selected. */
import { matching, parseView, sorted, tagCounts, viewQuery, type ListView } from './adapterList.ts';
import { api, type AdapterView } from '../../lib/api.ts';
import { hashFor } from '../../../src-shared/routes.ts';
import { Resource } from '../../lib/resource.svelte.ts';
import { Switcher } from '../../lib/tasks/switcher.svelte.ts';
import { TaskChanges } from '../../lib/tasks/taskChanges.svelte.ts';

export class AdapterCatalogue extends TaskChanges {
  readonly resource = new Resource(async () => {
    const [tasks, adapters, models, playground, trash] = await Promise.all([
      api.tasks.list.query(),
      api.adapters.list.query(),
      api.models.list.query(),
      api.playground.state.query(),
      api.adapters.listTrash.query(),
    ]);
    return { tasks, adapters, models, playground, trash };
  });
  readonly switcher = new Switcher(() => this.resource.load());
  view = $state<ListView>({ text: '', sort: 'newest', tag: '', flat: false });
  selected = $state.raw<readonly string[]>([]);

  readonly adapters = $derived(this.resource.data?.adapters ?? []);
  readonly shown = $derived(sorted(matching(this.adapters, this.view), this.view.sort));
  readonly tags = $derived(tagCounts(this.adapters));
  readonly filtered = $derived(this.view.text.trim() !== '' || this.view.tag !== '');
  /** Tasks with the adapters of each that are shown; while something is searched only tasks that have any. */
  readonly sections = $derived(
    (this.resource.data?.tasks ?? [])
      .map((task) => ({ task, adapters: this.shown.filter(({ taskId }) => taskId === task.id) }))
      .filter(({ adapters }) => !this.filtered || adapters.length > 0),
  );
  readonly chosen = $derived(this.adapters.filter(({ id }) => this.selected.includes(id)));

  constructor(query: URLSearchParams) {
    super();
    this.view = parseView(query);
  }

  protected override reload(): Promise<void> {
    return this.resource.load();
  }

  /** Puts what is searched and sorted into the address, so that a reload shows the same. */
  remember(): void {
    history.replaceState(history.state, '', hashFor('adapters', undefined, viewQuery(this.view)));
  }

  select(id: string, on: boolean): void {
    this.selected = on ? [...this.selected, id] : this.selected.filter((other) => other !== id);
  }

  override async trash(adapters: readonly AdapterView[]): Promise<boolean> {
    const done = await super.trash(adapters);
    if (done) this.selected = this.selected.filter((id) => !adapters.some((gone) => gone.id === id));
    return done;
  }
}
