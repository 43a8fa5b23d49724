/** Adapters side by side: their settings, losses and sizes. */
import { settingRows } from './settingRows.ts';
import { api, type AdapterComparison } from '../../lib/api.ts';
import { Resource } from '../../lib/resource.svelte.ts';

export class Comparison {
  readonly resource: Resource<AdapterComparison[]>;
  /** Also the settings that are the same. */
  all = $state(false);
  readonly rows = $derived.by(() => settingRows((this.resource.data ?? []).map(({ settings }) => settings)));
  readonly shownRows = $derived(this.rows.filter(({ differs }) => this.all || differs));
  readonly sameCount = $derived(this.rows.filter(({ differs }) => !differs).length);

  constructor(ids: string[]) {
    this.resource = new Resource(() => api.adapters.compare.query({ ids }));
  }
}
