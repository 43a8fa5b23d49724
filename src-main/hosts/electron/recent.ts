/** What File > Recent shows: the newest adapters, runs and datasets of the catalogue. */
import { hashFor } from '../../../src-shared/routes.ts';
import type { Catalog } from '../../catalog/catalog.ts';
import type { RecentItem } from './menu.ts';

const MOST = 8;

export function recentItems(catalog: Pick<Catalog, 'adapters' | 'datasets' | 'runs'>): RecentItem[] {
  const all = [
    ...catalog.adapters
      .list()
      .map(({ id, name, createdAt }) => ({ label: `Adapter: ${name}`, hash: hashFor('adapters', id), createdAt })),
    ...catalog.runs
      .list()
      .map(({ id, name, createdAt }) => ({ label: `Run: ${name}`, hash: hashFor('runs', id), createdAt })),
    ...catalog.datasets
      .list()
      .map(({ id, name, createdAt }) => ({ label: `Dataset: ${name}`, hash: hashFor('datasets', id), createdAt })),
  ];
  return all
    .sort((a, b) => b.createdAt.localeCompare(a.createdAt))
    .slice(0, MOST)
    .map(({ label, hash }) => ({ label, hash }));
}
