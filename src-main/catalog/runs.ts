/** Training runs, each with its whole spec, so that it can be repeated or resumed from its row alone. */
import type { Database } from 'better-sqlite3';
import type { ErrorData } from '../errors.ts';
import type { RunSpec, TrainEvent, TrainResult } from '../trainer/protocol.ts';

export type RunStatus = 'queued' | 'running' | 'paused' | 'stopped' | 'completed' | 'failed';

/** What the worker said when training began: engine, parameters, steps and rows. */
export type RunStarted = Extract<TrainEvent, { type: 'started' }>;

export interface Run {
  id: string;
  name: string;
  taskId: string | null;
  modelId: string | null;
  datasetId: string | null;
  status: RunStatus;
  spec: RunSpec;
  /** Null until training has begun. */
  started: RunStarted | null;
  error: ErrorData | null;
  result: TrainResult | null;
  /** Graft process that owns the run while it is queued or under way. */
  ownerPid: number | null;
  /** Worker process while the run is under way. */
  pid: number | null;
  createdAt: string;
  startedAt: string | null;
  endedAt: string | null;
}

interface Row {
  id: string;
  name: string;
  task_id: string | null;
  model_id: string | null;
  dataset_id: string | null;
  status: RunStatus;
  spec: string;
  started: string | null;
  error: string | null;
  result: string | null;
  owner_pid: number | null;
  pid: number | null;
  created_at: string;
  started_at: string | null;
  ended_at: string | null;
}

const parse = <T>(json: string | null): T | null => (json === null ? null : (JSON.parse(json) as T));

const toRun = (row: Row): Run => ({
  id: row.id,
  name: row.name,
  taskId: row.task_id,
  modelId: row.model_id,
  datasetId: row.dataset_id,
  status: row.status,
  spec: JSON.parse(row.spec) as RunSpec,
  started: parse<RunStarted>(row.started),
  error: parse<ErrorData>(row.error),
  result: parse<TrainResult>(row.result),
  ownerPid: row.owner_pid,
  pid: row.pid,
  createdAt: row.created_at,
  startedAt: row.started_at,
  endedAt: row.ended_at,
});

const toRow = (run: Run): Record<string, string | number | null> => ({
  ...run,
  spec: JSON.stringify(run.spec),
  started: run.started && JSON.stringify(run.started),
  error: run.error && JSON.stringify(run.error),
  result: run.result && JSON.stringify(run.result),
});

export function runQueries(db: Database) {
  const list = db.prepare<[], Row>('SELECT * FROM runs ORDER BY created_at DESC, rowid DESC');
  const byId = db.prepare<[string], Row>('SELECT * FROM runs WHERE id = ?');
  const unfinished = db.prepare<[], Row>(`SELECT * FROM runs WHERE status IN ('queued', 'running', 'paused') ORDER BY created_at, rowid`);
  const insert = db.prepare(
    `INSERT INTO runs (id, name, task_id, model_id, dataset_id, status, spec, started, error, result, owner_pid, pid, created_at, started_at, ended_at)
     VALUES (@id, @name, @taskId, @modelId, @datasetId, @status, @spec, @started, @error, @result, @ownerPid, @pid, @createdAt, @startedAt, @endedAt)`,
  );
  const update = db.prepare(
    `UPDATE runs SET status = @status, spec = @spec, started = @started, error = @error, result = @result, owner_pid = @ownerPid,
       pid = @pid, started_at = @startedAt, ended_at = @endedAt WHERE id = @id`,
  );
  const get = (id: string): Run | undefined => {
    const row = byId.get(id);
    return row && toRun(row);
  };
  return {
    /** Newest first. */
    list: () => list.all().map(toRun),
    get,
    /** Queued, running and paused runs, oldest first. */
    unfinished: () => unfinished.all().map(toRun),
    insert: (run: Run) => void insert.run(toRow(run)),
    /** Changes the named fields and returns the run as it is now; the run must exist. */
    update(id: string, changes: Partial<Run>): Run {
      const run = { ...get(id)!, ...changes };
      update.run(toRow(run));
      return run;
    },
  };
}
