/** Everything the start page shows, in one call. */
import { lossSamples, type LossSample } from '../catalog/lossSamples.ts';
import type { Task } from '../catalog/tasks.ts';
import type { ExportRecord } from '../catalog/exports.ts';
import type { RunStatus } from '../catalog/runs.ts';
import type { Services } from '../app/services.ts';
import { adapterViews, type AdapterView } from '../app/adapters/view.ts';
import { procedure, router } from './trpc.ts';

export interface BoardAdapter extends Pick<
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
  /** Last step taken. */
  step: number;
  /** Null until the trainer has counted them. */
  totalSteps: number | null;
  loss: number | null;
  /** At the pace of the last steps; null where there is none. */
  remainingMs: number | null;
}

export interface Board {
  tasks: BoardTask[];
  /** Running, paused and queued, in their order. */
  runs: BoardRun[];
  /** The last few. */
  exports: Pick<ExportRecord, 'id' | 'outDir' | 'status' | 'adapterDir' | 'createdAt' | 'result'>[];
  counts: { models: number; datasets: number; runs: number; adapters: number };
}

const SPARK_POINTS = 60;
const RECENT_EXPORTS = 4;
/** Steps that the pace is taken from. */
const PACE_STEPS = 20;

export function homeRouter(services: Services) {
  const { catalog } = services;
  return router({
    board: procedure.query((): Board => {
      const adapters = adapterViews(catalog, catalog.adapters.list());
      return {
        tasks: boardTasks(services, adapters),
        runs: catalog.runs.unfinished().map(({ id }) => boardRun(services, id)),
        exports: catalog.exports.list().slice(0, RECENT_EXPORTS),
        counts: {
          models: catalog.models.list().length,
          datasets: catalog.datasets.list().length,
          runs: runCount(services),
          adapters: adapters.length,
        },
      };
    }),
  });
}

function boardTasks({ catalog }: Services, adapters: AdapterView[]): BoardTask[] {
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

function boardRun({ catalog }: Services, id: string): BoardRun {
  const run = catalog.runs.get(id)!;
  const totalSteps = run.started?.totalSteps ?? run.spec.train.steps ?? null;
  const { step, loss, paceMs } = lastSteps({ catalog }, id);
  const remainingMs =
    run.status === 'running' && paceMs !== null && totalSteps !== null ? paceMs * (totalSteps - step) : null;
  return { id, name: run.name, task: run.spec.task, status: run.status, step, totalSteps, loss, remainingMs };
}

function lastSteps(
  { catalog }: Pick<Services, 'catalog'>,
  runId: string,
): { step: number; loss: number | null; paceMs: number | null } {
  const rows = catalog.db
    .prepare<[string, number], { step: number; loss: number; elapsed_ms: number }>(
      'SELECT step, loss, elapsed_ms FROM metrics WHERE run_id = ? ORDER BY step DESC LIMIT ?',
    )
    .all(runId, PACE_STEPS);
  const paceMs = rows.length > 0 ? rows.reduce((sum, row) => sum + row.elapsed_ms, 0) / rows.length : null;
  return { step: rows[0]?.step ?? 0, loss: rows[0]?.loss ?? null, paceMs };
}

function runCount({ catalog }: Services): number {
  return catalog.db.prepare<[], { n: number }>('SELECT count(*) AS n FROM runs').get()!.n;
}
