/** Training runs, each with its whole spec, so that it can be repeated or resumed from its row alone. */
import type { Database } from 'better-sqlite3';
import type { ErrorData } from '../../src-shared/errors.ts';
import type { RunSpec } from '../../src-shared/runSpec.ts';
import type { TrainEvent, TrainResult } from '../../src-shared/training.ts';

export type RunStatus = 'queued' | 'running' | 'paused' | 'stopped' | 'completed' | 'failed';

/** What the worker said when training began: engine, parameters, steps and rows. */
type RunStarted = Extract<TrainEvent, { type: 'started' }>;

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
  /** What a pause saved beside the run state: an adapter folder to try out; null where there is none. */
  interim: TrainResult | null;
  /** Place in the queue, rising; null unless queued. */
  queuePosition: number | null;
  /** Queued, it does not start before this time (ISO 8601, UTC); null: as soon as it is its turn. */
  notBefore: string | null;
  /** Run that this one was rolled back from; null also when that one has been removed. */
  parentRunId: string | null;
  /** Words that the user has put on it, in their order, each once. */
  tags: string[];
  /** The user's own text; empty where there is none. */
  notes: string;
  /** When it was put away from the list; null while it is shown there. */
  archivedAt: string | null;
  /** Graft process that owns the run while it is queued or under way. */
  ownerPid: number | null;
  /** Worker process while the run is under way. */
  pid: number | null;
  createdAt: string;
  startedAt: string | null;
  endedAt: string | null;
}

type Later = 'interim' | 'queuePosition' | 'notBefore' | 'parentRunId' | 'tags' | 'notes' | 'archivedAt';
/** A run to insert; what is absent is null or empty. */
export type NewRun = Omit<Run, Later> & Partial<Pick<Run, Later>>;

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
  interim: string | null;
  queue_position: number | null;
  not_before: string | null;
  parent_run_id: string | null;
  tags: string;
  notes: string;
  archived_at: string | null;
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
  interim: parse<TrainResult>(row.interim),
  queuePosition: row.queue_position,
  notBefore: row.not_before,
  parentRunId: row.parent_run_id,
  tags: JSON.parse(row.tags) as string[],
  notes: row.notes,
  archivedAt: row.archived_at,
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
  interim: run.interim && JSON.stringify(run.interim),
  tags: JSON.stringify(run.tags),
});

const NOTHING_YET: Pick<Run, Later> = {
  interim: null,
  queuePosition: null,
  notBefore: null,
  parentRunId: null,
  tags: [],
  notes: '',
  archivedAt: null,
};

export const QUEUE_OF_OWNER = `
  SELECT * FROM runs WHERE status = 'queued' AND owner_pid = ?
  ORDER BY queue_position, created_at, rowid`;

export function runQueries(db: Database) {
  const list = db.prepare<[], Row>('SELECT * FROM runs ORDER BY created_at DESC, rowid DESC');
  const byId = db.prepare<[string], Row>('SELECT * FROM runs WHERE id = ?');
  const unfinished = db.prepare<[], Row>(
    `SELECT * FROM runs WHERE status IN ('queued', 'running', 'paused') ORDER BY queue_position, created_at, rowid`,
  );
  const count = db.prepare<[], { n: number }>('SELECT count(*) AS n FROM runs');
  const queued = db.prepare<[number], Row>(QUEUE_OF_OWNER);
  const insert = db.prepare(
    `INSERT INTO runs (id, name, task_id, model_id, dataset_id, status, spec, started, error, result, interim,
       queue_position, not_before, parent_run_id, tags, notes, archived_at, owner_pid, pid, created_at, started_at,
       ended_at)
     VALUES (@id, @name, @taskId, @modelId, @datasetId, @status, @spec, @started, @error, @result, @interim,
       @queuePosition, @notBefore, @parentRunId, @tags, @notes, @archivedAt, @ownerPid, @pid, @createdAt, @startedAt,
       @endedAt)`,
  );
  const update = db.prepare(
    `UPDATE runs SET name = @name, status = @status, spec = @spec, started = @started, error = @error,
       result = @result, interim = @interim, tags = @tags, notes = @notes, archived_at = @archivedAt,
       queue_position = @queuePosition, not_before = @notBefore, owner_pid = @ownerPid, pid = @pid,
       started_at = @startedAt, ended_at = @endedAt WHERE id = @id`,
  );
  const remove = db.prepare<[string]>('DELETE FROM runs WHERE id = ?');
  const get = (id: string): Run | undefined => {
    const row = byId.get(id);
    return row && toRun(row);
  };
  return {
    /** Newest first. */
    list: () => list.all().map(toRun),
    get,
    count: () => count.get()?.n ?? 0,
    /** Queued, running and paused runs: the queue in its order, else oldest first. */
    unfinished: () => unfinished.all().map(toRun),
    /** The queue of one Graft process, in its order. */
    queued: (ownerPid: number) => queued.all(ownerPid).map(toRun),
    insert: (run: NewRun) => void insert.run(toRow({ ...NOTHING_YET, ...run })),
    /** Changes the named fields and returns the run as it is now; the run must exist. */
    update(id: string, changes: Partial<Run>): Run {
      const run = { ...get(id)!, ...changes };
      update.run(toRow(run));
      return run;
    },
    /** Its metrics, samples and log go with it; what it trained stays. */
    remove: (id: string) => void remove.run(id),
  };
}
