/**
 * Which adapters of the catalogue a page shows, and in what order. Pure functions of the list and what the address
 * says.
 */
import type { AdapterView } from '../../lib/api.ts';

export const SORTS = ['newest', 'loss', 'size', 'name'] as const;
export type Sort = (typeof SORTS)[number];

export const SORT_NAMES: Record<Sort, string> = {
  newest: 'Newest first',
  loss: 'Lowest validation loss',
  size: 'Smallest first',
  name: 'Name',
};

export interface ListView {
  /** Words that all must occur. */
  text: string;
  sort: Sort;
  /** Empty: any. */
  tag: string;
  /** One list instead of one per task. */
  flat: boolean;
}

type Listed = Pick<
  AdapterView,
  | 'name'
  | 'taskName'
  | 'tags'
  | 'notes'
  | 'modelName'
  | 'baseHash'
  | 'methodText'
  | 'valLoss'
  | 'sizeBytes'
  | 'createdAt'
>;

export function parseView(query: URLSearchParams): ListView {
  return {
    text: query.get('q') ?? '',
    sort: SORTS.find((sort) => sort === query.get('sort')) ?? 'newest',
    tag: query.get('tag') ?? '',
    flat: query.get('view') === 'all',
  };
}

/** The query that parseView reads back, without the defaults. */
export function viewQuery({ text, sort, tag, flat }: ListView): Record<string, string> {
  return {
    ...(text ? { q: text } : {}),
    ...(sort === 'newest' ? {} : { sort }),
    ...(tag ? { tag } : {}),
    ...(flat ? { view: 'all' } : {}),
  };
}

/** Every word must occur in name, task, tags, notes, base model, hash of the base, or method. */
export function matching<A extends Listed>(adapters: readonly A[], { text, tag }: Pick<ListView, 'text' | 'tag'>): A[] {
  const words = text.toLowerCase().split(/\s+/).filter(Boolean);
  return adapters.filter((adapter) => {
    if (tag !== '' && !adapter.tags.includes(tag)) return false;
    const { name, taskName, tags, notes, modelName, baseHash, methodText } = adapter;
    const all = [name, taskName, ...tags, notes, modelName, baseHash, methodText.name, methodText.details]
      .join('\n')
      .toLowerCase();
    return words.every((word) => all.includes(word));
  });
}

/** A sorted copy; adapters without a validation loss come last. */
export function sorted<A extends Listed>(adapters: readonly A[], sort: Sort): A[] {
  const newest = (a: A, b: A): number => b.createdAt.localeCompare(a.createdAt);
  const compare: Record<Sort, (a: A, b: A) => number> = {
    newest,
    loss: (a, b) => (a.valLoss ?? Infinity) - (b.valLoss ?? Infinity) || newest(a, b),
    size: (a, b) => a.sizeBytes - b.sizeBytes || newest(a, b),
    name: (a, b) => a.name.localeCompare(b.name) || newest(a, b),
  };
  return adapters.toSorted((a, b) => compare[sort](a, b) || 0);
}

/** Every tag that occurs, the most used first. */
export function tagCounts(adapters: readonly Pick<AdapterView, 'tags'>[]): { tag: string; count: number }[] {
  const counts = new Map<string, number>();
  for (const tag of adapters.flatMap(({ tags }) => tags)) counts.set(tag, (counts.get(tag) ?? 0) + 1);
  return [...counts]
    .map(([tag, count]) => ({ tag, count }))
    .sort((a, b) => b.count - a.count || a.tag.localeCompare(b.tag));
}
