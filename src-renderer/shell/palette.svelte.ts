/** What the command palette finds: pages at once, named things once they are loaded. */
import { counted } from '../../src-shared/plural.ts';
import { api } from '../lib/api.ts';
import { adapterLabel, shortPath } from '../lib/format.ts';
import { hashFor, PAGES, PAGE_TITLES, type Page } from '../../src-shared/routes.ts';
import { Resource } from '../lib/resource.svelte.ts';

export interface Found {
  /** Unique, even among things that share a name. */
  id: string;
  name: string;
  /** Beside the name. */
  more: string;
  hash: string;
}

export interface FoundGroup {
  title: string;
  items: Found[];
}

const byPage = (page: Page, id: string, name: string, more: string, query?: Record<string, string>): Found => ({
  id,
  name,
  more,
  hash: query ? hashFor(page, undefined, query) : hashFor(page, id),
});

export class PaletteContent {
  readonly things = new Resource(async (): Promise<FoundGroup[]> => {
    const [models, datasets, runs, adapters] = await Promise.all([
      api.models.list.query(),
      api.datasets.list.query(),
      api.runs.list.query(),
      api.adapters.list.query(),
    ]);
    return [
      { title: 'Runs', items: runs.toReversed().map(({ id, name, status }) => byPage('runs', id, name, status)) },
      {
        title: 'Adapters',
        items: adapters
          .toReversed()
          .map((adapter) => ({ ...byPage('adapters', adapter.id, adapterLabel(adapter), adapter.taskName) })),
      },
      { title: 'Models', items: models.map(({ id, name, dir }) => byPage('models', id, name, shortPath(dir))) },
      {
        title: 'Datasets',
        items: datasets.map(({ id, name, rows }) => byPage('datasets', id, name, counted(rows, ['row', 'rows']))),
      },
    ];
  });
  readonly groups = $derived.by((): FoundGroup[] => [
    PAGE_GROUP,
    ...(this.things.data ?? []).filter(({ items }) => items.length > 0),
  ]);
}

const PAGE_GROUP: FoundGroup = {
  title: 'Pages',
  items: PAGES.map((page) => ({ id: page, name: PAGE_TITLES[page], more: '', hash: hashFor(page) })),
};
