/** Searching, filtering and sorting runs, and moving one in the queue. */
import type { RunStatus, RunView } from '../../lib/api.ts';
import { baseName, methodLabel, shortPath } from '../../lib/format.ts';

export type SortKey = 'name' | 'status' | 'method' | 'rows' | 'loss' | 'valLoss' | 'duration' | 'created';
export interface Sort {
  key: SortKey;
  descending: boolean;
}

export interface Filter {
  /** Words that name, tags, notes, task, target, model, data, method or state must all contain between them. */
  search: string;
  status: RunStatus | 'all';
  /** Empty: with any tags or none. */
  tag: string;
  /** Those that are put away, instead of the others. */
  archived: boolean;
}

export function filterRuns(runs: readonly RunView[], { search, status, tag, archived }: Filter): RunView[] {
  const words = search.toLowerCase().split(/\s+/).filter(Boolean);
  return runs.filter((run) => {
    if (status !== 'all' && run.status !== status) return false;
    if ((tag !== '' && !run.tags.includes(tag)) || archived !== (run.archivedAt !== null)) return false;
    const { name, tags, notes, spec, away } = run;
    const places = [shortPath(spec.model.dir), baseName(spec.data.file)];
    const text = [
      name,
      ...tags,
      notes,
      spec.task,
      away?.target ?? '',
      ...places,
      methodLabel(run.methodText),
      run.status,
    ]
      .join(' ')
      .toLowerCase();
    return words.every((word) => text.includes(word));
  });
}

/** Missing values come last in either direction. */
export function sortRuns(runs: readonly RunView[], { key, descending }: Sort): RunView[] {
  const sign = descending ? -1 : 1;
  return [...runs].sort((a, b) => {
    const [left, right] = [KEYS[key](a), KEYS[key](b)];
    if (left === undefined || right === undefined) return Number(left === undefined) - Number(right === undefined);
    return (
      sign *
      (typeof left === 'string' ? left.localeCompare(String(right), 'en', { numeric: true }) : left - Number(right))
    );
  });
}

const KEYS: Record<SortKey, (run: RunView) => string | number | undefined> = {
  name: (run) => run.name,
  status: (run) => run.status,
  method: (run) => methodLabel(run.methodText),
  rows: (run) => run.started?.trainRows,
  loss: (run) => run.result?.finalLoss,
  valLoss: (run) => run.result?.valLoss ?? undefined,
  duration: (run) => run.trainingMs ?? undefined,
  created: (run) => run.createdAt,
};

/** All tags with how many runs have them, the most used first. */
export function tagCounts(runs: readonly Pick<RunView, 'tags'>[]): { tag: string; count: number }[] {
  const counts = new Map<string, number>();
  for (const tag of runs.flatMap(({ tags }) => tags)) counts.set(tag, (counts.get(tag) ?? 0) + 1);
  return Array.from(counts, ([tag, count]) => ({ tag, count })).sort(
    (a, b) => b.count - a.count || a.tag.localeCompare(b.tag),
  );
}

/** From one of a list to another, both included, whichever comes first. */
export function between(ids: readonly string[], from: string, to: string): string[] {
  const [a, b] = [ids.indexOf(from), ids.indexOf(to)];
  return a < 0 || b < 0 ? [to] : ids.slice(Math.min(a, b), Math.max(a, b) + 1);
}

export function isOver({ status }: RunView): boolean {
  return status === 'completed' || status === 'stopped' || status === 'failed';
}

/** The list with the item at `from` at the place `to`. */
export function moved<T>(list: readonly T[], from: number, to: number): T[] {
  const rest = [...list];
  rest.splice(Math.min(Math.max(to, 0), list.length - 1), 0, ...rest.splice(from, 1));
  return rest;
}
