/**
 * A run in MLflow's file store (`mlruns`): an experiment for each task, and in it a folder for each run with one file
 * for each metric, parameter and tag.
 */
import { createHash } from 'node:crypto';
import { pathToFileURL } from 'node:url';
import { scalarsOf, type TrackedRun } from './trackedRun.ts';

/** Of MLflow's `RunStatus`. */
const STATUS = { running: 1, scheduled: 2, finished: 3, failed: 4, killed: 5 } as const;
const STATUS_OF: Record<TrackedRun['status'], number> = {
  queued: STATUS.scheduled,
  paused: STATUS.running,
  running: STATUS.running,
  completed: STATUS.finished,
  stopped: STATUS.killed,
  failed: STATUS.failed,
};
/** Longer values are refused by MLflow. */
const LONGEST_PARAM = 6000;

/** The same task has the same experiment in every export. */
export function experimentId(task: string): string {
  return BigInt(`0x${createHash('sha256').update(task).digest('hex').slice(0, 14)}`).toString();
}

/** MLflow's name for the run, which is that of its folder. */
export function mlflowRunId({ id }: Pick<TrackedRun, 'id'>): string {
  return createHash('sha256').update(id).digest('hex').slice(0, 32);
}

/** The file `meta.yaml` of the experiment in `dir`. */
export function experimentMeta({ task, startedMs }: TrackedRun, dir: string): string {
  return yaml({
    artifact_location: pathToFileURL(dir).href,
    creation_time: startedMs,
    experiment_id: experimentId(task),
    last_update_time: startedMs,
    lifecycle_stage: 'active',
    name: task,
  });
}

/** Content by path in the run's folder, which will be `dir`. */
export function mlflowFiles(run: TrackedRun, dir: string): Map<string, string> {
  const files = new Map([['meta.yaml', runMeta(run, dir)]]);
  const metrics = new Map<string, string[]>();
  for (const { step, atMs, values } of scalarsOf(run))
    for (const [name, value] of values) {
      const lines = metrics.get(name) ?? [];
      metrics.set(name, lines);
      lines.push(`${Math.round(atMs)} ${value} ${step}\n`);
    }
  for (const [name, lines] of metrics) files.set(`metrics/${name}`, lines.join(''));
  for (const [name, value] of Object.entries(run.settings))
    files.set(`params/${paramName(name)}`, String(value).slice(0, LONGEST_PARAM));
  files.set('tags/mlflow.runName', run.name);
  files.set('tags/graft.run', run.id);
  if (run.notes) files.set('tags/mlflow.note.content', run.notes);
  if (run.tags.length > 0) files.set('tags/graft.tags', run.tags.join(', '));
  return files;
}

/** What MLflow allows in a name, which is also that of a file. */
function paramName(name: string): string {
  return name.replace(/[^\w.\- ]/g, '_');
}

function runMeta(run: TrackedRun, dir: string): string {
  const id = mlflowRunId(run);
  return yaml({
    artifact_uri: `${pathToFileURL(dir).href}/artifacts`,
    end_time: run.endedMs,
    entry_point_name: '',
    experiment_id: experimentId(run.task),
    lifecycle_stage: 'active',
    run_id: id,
    run_name: run.name,
    run_uuid: id,
    source_name: '',
    source_type: 4,
    source_version: '',
    start_time: run.startedMs,
    status: STATUS_OF[run.status],
    tags: [],
    user_id: '',
  });
}

/** A flat mapping; JSON's values are YAML's too. */
function yaml(values: Record<string, unknown>): string {
  return Object.entries(values)
    .map(([key, value]) => `${key}: ${JSON.stringify(value)}\n`)
    .join('');
}
