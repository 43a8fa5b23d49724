/** Everything the start page shows, in one call. */
import type { Catalog } from '../../catalog/catalog.ts';
import type { ExportRecord } from '../../catalog/exports.ts';
import { lossSamples, type LossSample } from '../../catalog/lossSamples.ts';
import type { Run, RunStatus } from '../../catalog/runs.ts';
import type { Task } from '../../catalog/tasks.ts';
import type { AwayView } from '../../../src-shared/away.ts';
import { awayViewOf } from '../away/view.ts';
import { adapterViews, type AdapterView } from '../adapters/view.ts';

interface BoardAdapter extends Pick<
  AdapterView,
  'id' | 'name' | 'active' | 'modelId' | 'modelName' | 'methodText' | 'valLoss' | 'finalLoss' | 'runId' | 'createdAt'
> {
  /** Loss of its run; empty for an imported adapter and for one that is not shown first. */
  losses: LossSample[];
}

export interface BoardTask extends Task {
  /** Newest first. */
  list: BoardAdapter[];
}

export interface BoardRun {
  id: string;
  name: string;
  task: string;
  status: RunStatus;
  /** Queued: it does not start before. */
  notBefore: string | null;
  /** Last step taken. */
  step: number;
  /** Null until the worker has counted them. */
  totalSteps: number | null;
  loss: number | null;
  /** Where it is trained; null: here. */
  away: AwayView | null;
}

export interface Board {
  tasks: BoardTask[];
  /** Running, paused and queued, in their order. */
  runs: BoardRun[];
  /** The last few. */
  exports: Pick<ExportRecord, 'id' | 'outDir' | 'status' | 'adapterDir' | 'createdAt' | 'result' | 'error'>[];
  counts: { models: number; datasets: number; runs: number; adapters: number };
}

const SPARK_POINTS = 60;
const RECENT_EXPORTS = 4;

export function startBoard(catalog: Catalog): Board {
  const adapters = adapterViews(catalog, catalog.adapters.list());
  return {
    tasks: boardTasks(catalog, adapters),
    runs: catalog.runs.unfinished().map((run) => boardRun(catalog, run)),
    exports: catalog.exports.list().slice(0, RECENT_EXPORTS),
    counts: {
      models: catalog.models.list().length,
      datasets: catalog.datasets.list().length,
      runs: catalog.runs.count(),
      adapters: adapters.length,
    },
  };
}

function boardTasks(catalog: Catalog, adapters: AdapterView[]): BoardTask[] {
  const byTask = Map.groupBy(adapters.toReversed(), ({ taskId }) => taskId);
  const tasks = catalog.tasks.list().map((task) => ({ task, list: byTask.get(task.id) ?? [] }));
  // The graph of a card is that of its active adapter, else of the newest.
  const shown = tasks.flatMap(({ list }) => list.find(({ active }) => active) ?? list[0] ?? []);
  const samples = lossSamples(
    catalog.db,
    shown.flatMap(({ runId }) => runId ?? []),
    SPARK_POINTS,
  );
  const ids = new Set(shown.map(({ id }) => id));
  return tasks.map(({ task, list }) => ({
    ...task,
    list: list.map(({ id, name, active, modelId, modelName, methodText, valLoss, finalLoss, runId, createdAt }) => ({
      id,
      name,
      active,
      modelId,
      modelName,
      methodText,
      valLoss,
      finalLoss,
      runId,
      createdAt,
      losses: (ids.has(id) && runId && samples.get(runId)) || [],
    })),
  }));
}

function boardRun(catalog: Catalog, { id, name, status, spec, started, notBefore }: Run): BoardRun {
  const totalSteps = started?.totalSteps ?? spec.train.steps ?? null;
  const [last] = catalog.metrics.last(id, 1);
  const { step = 0, loss = null } = last ?? {};
  return { id, name, task: spec.task, status, notBefore, step, totalSteps, loss, away: awayViewOf(catalog, id) };
}
