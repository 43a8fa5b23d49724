/** One adapter as its page shows it. */
import { tagCounts } from './adapterList.ts';
import { api } from '../../lib/api.ts';
import { AdapterChanges } from '../../lib/tasks/adapterChanges.svelte.ts';
import { Resource } from '../../lib/resource.svelte.ts';
import { Switcher } from '../../lib/tasks/switcher.svelte.ts';

export class AdapterPage extends AdapterChanges {
  readonly resource: Resource<Awaited<ReturnType<typeof read>>>;
  readonly switcher = new Switcher(() => this.resource.load());
  /** It is in the trash now; nothing is read again. */
  #gone = false;

  constructor(id: string) {
    super();
    this.resource = new Resource(() => read(id));
  }

  protected override async reload(): Promise<void> {
    if (!this.#gone) await this.resource.load();
  }

  override async trash(adapters: Parameters<AdapterChanges['trash']>[0]): Promise<boolean> {
    this.#gone = true;
    const done = await super.trash(adapters);
    this.#gone = done;
    return done;
  }
}

async function read(id: string) {
  const [adapter, tasks, all] = await Promise.all([
    api.adapters.details.query({ id }),
    api.tasks.list.query(),
    api.adapters.list.query(),
  ]);
  return { adapter, tasks, knownTags: tagCounts(all).map(({ tag }) => tag) };
}
