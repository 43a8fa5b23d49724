/** Runs that are trained, or were, on a target: where their folder lies there, and how far it has been read. */
import type { Database } from 'better-sqlite3';
import type { AwayPhase } from '../../src-shared/away.ts';

export interface AwayRun {
  runId: string;
  /** Name of the target. */
  target: string;
  /** On the target. */
  jobDir: string;
  /** As Slurm calls it; null elsewhere, or before it is submitted. */
  slurmJob: string | null;
  /** Its place in an array of jobs. */
  arrayTask: number | null;
  /** The process on another machine without a scheduler. */
  pid: number | null;
  phase: AwayPhase;
  /** The newest one that was heard of. */
  attempt: number;
  /** Bytes of its events that have been recorded. */
  readBytes: number;
  /** How often it was sent again after its process had gone. */
  retries: number;
  /** What the user should know of it now; null for nothing. */
  note: string | null;
  /** When it was last heard of (ISO 8601). */
  seenAt: string | null;
  /** The Graft process that sends it, begins it or takes back its result just now. */
  ownerPid?: number | null;
  /** What the user has asked of it and has not come about yet. */
  asked?: AwayWish | null;
}

/** What can be asked of a run on a target. */
export type AwayWish = 'pause' | 'stop';

interface Row {
  run_id: string;
  target: string;
  job_dir: string;
  slurm_job: string | null;
  array_task: number | null;
  pid: number | null;
  phase: AwayPhase;
  attempt: number;
  read_bytes: number;
  retries: number;
  note: string | null;
  seen_at: string | null;
  owner_pid: number | null;
  asked: AwayWish | null;
}

const toAway = (row: Row): AwayRun => ({
  runId: row.run_id,
  target: row.target,
  jobDir: row.job_dir,
  slurmJob: row.slurm_job,
  arrayTask: row.array_task,
  pid: row.pid,
  phase: row.phase,
  attempt: row.attempt,
  readBytes: row.read_bytes,
  retries: row.retries,
  note: row.note,
  seenAt: row.seen_at,
  ownerPid: row.owner_pid,
  asked: row.asked,
});

export function awayQueries(db: Database) {
  const all = db.prepare<[], Row>('SELECT * FROM away_runs ORDER BY rowid');
  const open = db.prepare<[], Row>(
    `SELECT away_runs.* FROM away_runs JOIN runs ON runs.id = away_runs.run_id
     WHERE runs.status IN ('queued', 'running') ORDER BY away_runs.rowid`,
  );
  const byRun = db.prepare<[string], Row>('SELECT * FROM away_runs WHERE run_id = ?');
  const byTarget = db.prepare<[string], { n: number }>('SELECT count(*) AS n FROM away_runs WHERE target = ?');
  const save = db.prepare(
    `INSERT INTO away_runs (run_id, target, job_dir, slurm_job, array_task, pid, phase, attempt, read_bytes, retries,
       note, seen_at, owner_pid, asked)
     VALUES (@runId, @target, @jobDir, @slurmJob, @arrayTask, @pid, @phase, @attempt, @readBytes, @retries, @note,
       @seenAt, @ownerPid, @asked)
     ON CONFLICT (run_id) DO UPDATE SET target = @target, job_dir = @jobDir, slurm_job = @slurmJob,
       array_task = @arrayTask, pid = @pid, phase = @phase, attempt = @attempt, read_bytes = @readBytes,
       retries = @retries, note = @note, seen_at = @seenAt,
       owner_pid = @ownerPid, asked = @asked`,
  );
  const advance = db.prepare<[number, string, number]>(
    'UPDATE away_runs SET read_bytes = ? WHERE run_id = ? AND read_bytes = ?',
  );
  const remove = db.prepare<[string]>('DELETE FROM away_runs WHERE run_id = ?');
  const get = (runId: string): AwayRun | undefined => {
    const row = byRun.get(runId);
    return row && toAway(row);
  };
  const put = (run: AwayRun): void => void save.run({ ownerPid: null, asked: null, ...run });
  // In a transaction: another process may write between the reading and the writing.
  const change = db.transaction((runId: string, changes: Partial<AwayRun>): void => {
    const run = get(runId);
    if (run) put({ ...run, ...changes, runId });
  });
  return {
    list: (): AwayRun[] => all.all().map(toAway),
    /** Of runs that are to be sent, wait or are under way, in the order in which they came. */
    open: (): AwayRun[] => open.all().map(toAway),
    get,
    countOn: (target: string): number => byTarget.get(target)?.n ?? 0,
    /** Inserts it, or replaces the one of this run. */
    save: put,
    update: (runId: string, changes: Partial<AwayRun>) => void change.immediate(runId, changes),
    /** False where another process has read on meanwhile, whose transaction has recorded what was read. */
    advance: (runId: string, fromBytes: number, toBytes: number): boolean =>
      advance.run(toBytes, runId, fromBytes).changes === 1,
    remove: (runId: string) => void remove.run(runId),
  };
}
