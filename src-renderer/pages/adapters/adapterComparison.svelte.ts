/** Adapters side by side: their settings, sizes, and the losses of their runs. */
import { settingRows } from '../../lib/settingRows.ts';
import { readSeries } from '../../charts/readSeries.ts';
import { SeriesStore } from '../../charts/seriesStore.ts';
import { api, type AdapterComparison } from '../../lib/api.ts';
import { Resource } from '../../lib/resource.svelte.ts';

export interface Compared extends AdapterComparison {
  /** All steps of its run; empty for an imported adapter. */
  store: SeriesStore;
}

export class Comparison {
  readonly resource: Resource<Compared[]>;
  /** Also the settings that are the same. */
  all = $state(false);
  readonly rows = $derived.by(() => settingRows((this.resource.data ?? []).map(({ settings }) => settings)));
  readonly shownRows = $derived(this.rows.filter(({ differs }) => this.all || differs));
  readonly sameCount = $derived(this.rows.filter(({ differs }) => !differs).length);

  constructor(ids: string[]) {
    this.resource = new Resource(async () =>
      Promise.all(
        (await api.adapters.compare.query({ ids })).map(async (one) => ({ ...one, store: await losses(one) })),
      ),
    );
  }
}

async function losses({ adapter: { runId } }: AdapterComparison): Promise<SeriesStore> {
  const store = new SeriesStore();
  if (runId !== null) await readSeries(runId, store);
  return store;
}
