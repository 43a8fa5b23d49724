/** Searching, filtering and sorting runs, and moving one in the queue. */
import type { RunStatus, RunView } from '../../lib/api.ts';
import { methodLabel, shortPath } from '../../lib/format.ts';

export type SortKey = 'name' | 'status' | 'method' | 'rows' | 'loss' | 'valLoss' | 'duration' | 'created';
export interface Sort {
  key: SortKey;
  descending: boolean;
}

export interface Filter {
  /** Words that name, task, model, method or state must all contain between them. */
  search: string;
  status: RunStatus | 'all';
}

export function filterRuns(runs: readonly RunView[], { search, status }: Filter): RunView[] {
  const words = search.toLowerCase().split(/\s+/).filter(Boolean);
  return runs.filter((run) => {
    if (status !== 'all' && run.status !== status) return false;
    const text = [run.name, run.spec.task, shortPath(run.spec.model.dir), methodLabel(run.methodText), run.status]
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

export function isOver({ status }: RunView): boolean {
  return status === 'completed' || status === 'stopped' || status === 'failed';
}

/** The list with the item at `from` at the place `to`. */
export function moved<T>(list: readonly T[], from: number, to: number): T[] {
  const rest = [...list];
  rest.splice(Math.min(Math.max(to, 0), list.length - 1), 0, ...rest.splice(from, 1));
  return rest;
}
