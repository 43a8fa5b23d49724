/** Studies, and which of the runs belong to them. */
import type { Database } from 'better-sqlite3';
import type { StudyPlan, StudyVariant } from '../../src-shared/studies.ts';

/** What a study was started with. */
export interface StudySpec {
  plan: StudyPlan;
  variants: StudyVariant[];
  seeds: number[];
  /** Steps after which variants are pruned; empty without halving. */
  rungs: number[];
  notes: string[];
}

export interface Study {
  id: string;
  name: string;
  spec: StudySpec;
  /** Rungs at which it has been decided who goes on. */
  rungsDone: number;
  cancelledAt: string | null;
  createdAt: string;
}

/** A run that has been removed has no row any more. */
export interface StudyRun {
  /** Index into the variants. */
  variant: number;
  seed: number;
  runId: string;
  /** The rung at which it was ended. */
  prunedStep: number | null;
}

interface Row {
  id: string;
  name: string;
  spec: string;
  rungs_done: number;
  cancelled_at: string | null;
  created_at: string;
}

interface RunRow {
  variant: number;
  seed: number;
  run_id: string;
  pruned_step: number | null;
}

const toStudy = (row: Row): Study => ({
  id: row.id,
  name: row.name,
  spec: JSON.parse(row.spec) as StudySpec,
  rungsDone: row.rungs_done,
  cancelledAt: row.cancelled_at,
  createdAt: row.created_at,
});

export function studyQueries(db: Database) {
  const list = db.prepare<[], Row>('SELECT * FROM studies ORDER BY created_at DESC, rowid DESC');
  const byId = db.prepare<[string], Row>('SELECT * FROM studies WHERE id = ?');
  const runs = db.prepare<[string], RunRow>('SELECT * FROM study_runs WHERE study_id = ? ORDER BY seed, variant');
  const ofRun = db.prepare<[string], Row>(
    'SELECT studies.* FROM studies JOIN study_runs ON study_id = id WHERE run_id = ?',
  );
  const insert = db.prepare('INSERT INTO studies (id, name, spec, created_at) VALUES (@id, @name, @spec, @createdAt)');
  const insertRun = db.prepare(
    'INSERT INTO study_runs (study_id, variant, seed, run_id) VALUES (@studyId, @variant, @seed, @runId)',
  );
  const prune = db.prepare<[number, string]>('UPDATE study_runs SET pruned_step = ? WHERE run_id = ?');
  const setRungs = db.prepare<[number, string]>('UPDATE studies SET rungs_done = ? WHERE id = ?');
  const setCancelled = db.prepare<[string | null, string]>('UPDATE studies SET cancelled_at = ? WHERE id = ?');
  const remove = db.prepare<[string]>('DELETE FROM studies WHERE id = ?');
  return {
    /** Newest first. */
    list: () => list.all().map(toStudy),
    get(id: string): Study | undefined {
      const row = byId.get(id);
      return row && toStudy(row);
    },
    /** The one that a run belongs to. */
    ofRun(runId: string): Study | undefined {
      const row = ofRun.get(runId);
      return row && toStudy(row);
    },
    /** Seed by seed, in the order in which they were queued. */
    runs: (id: string): StudyRun[] =>
      runs.all(id).map((row) => ({
        variant: row.variant,
        seed: row.seed,
        runId: row.run_id,
        prunedStep: row.pruned_step,
      })),
    insert: (study: Pick<Study, 'id' | 'name' | 'spec' | 'createdAt'>) =>
      void insert.run({ ...study, spec: JSON.stringify(study.spec) }),
    addRun: (studyId: string, run: Omit<StudyRun, 'prunedStep'>) => void insertRun.run({ ...run, studyId }),
    prune: (runId: string, step: number) => void prune.run(step, runId),
    setRungsDone: (id: string, rungs: number) => void setRungs.run(rungs, id),
    setCancelled: (id: string, at: string | null) => void setCancelled.run(at, id),
    /** Its runs stay. */
    remove: (id: string) => void remove.run(id),
  };
}
