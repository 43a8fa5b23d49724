/** What the command palette finds: pages and display at once, named things once they are loaded. */
import { counted } from '../../src-shared/plural.ts';
import { api } from '../lib/api.ts';
import { display } from '../lib/app/display.svelte.ts';
import { adapterLabel, shortPath } from '../lib/format.ts';
import { hashFor, PAGES, PAGE_TITLES, type Page } from '../../src-shared/routes.ts';
import { Resource } from '../lib/resource.svelte.ts';

export interface Found {
  /** Unique, even among things that share a name. */
  id: string;
  name: string;
  /** Beside the name. */
  more: string;
  /** Where it leads to, or what it does. */
  to: string | (() => void);
}

export interface FoundGroup {
  title: string;
  items: Found[];
}

const byPage = (page: Page, id: string, name: string, more: string, query?: Record<string, string>): Found => ({
  id,
  name,
  more,
  to: query ? hashFor(page, undefined, query) : hashFor(page, id),
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
    DISPLAY_GROUP,
    ...(this.things.data ?? []).filter(({ items }) => items.length > 0),
  ]);
}

const PAGE_GROUP: FoundGroup = {
  title: 'Pages',
  items: PAGES.map((page) => ({ id: page, name: PAGE_TITLES[page], more: '', to: hashFor(page) })),
};

const DISPLAY_GROUP: FoundGroup = {
  title: 'Display',
  items: [
    { id: 'comfortable', name: 'Comfortable rows', more: '', to: () => display.chooseDensity('comfortable') },
    { id: 'compact', name: 'Compact rows', more: '', to: () => display.chooseDensity('compact') },
    { id: 'text-100', name: 'Usual text size', more: '100 %', to: () => display.chooseTextSize(100) },
    { id: 'text-115', name: 'Larger text', more: '115 %', to: () => display.chooseTextSize(115) },
    { id: 'text-130', name: 'Largest text', more: '130 %', to: () => display.chooseTextSize(130) },
  ],
};
