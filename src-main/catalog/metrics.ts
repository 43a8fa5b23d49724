/** Metrics per optimiser step and validation losses of a run. */
import type { Database } from 'better-sqlite3';
import type { PreferenceScores } from '../../src-shared/objectives.ts';
import type { StepMetrics } from '../../src-shared/training.ts';
import { SCORE_COLUMNS, scoreParameters, scoresOf, type ScoreRow } from './preferenceColumns.ts';

export interface Evaluation {
  step: number;
  valLoss: number;
  preference?: PreferenceScores | undefined;
}

interface Row extends ScoreRow {
  step: number;
  loss: number;
  lr: number;
  grad_norm: number;
  tokens_per_second: number;
  memory_bytes: number;
  elapsed_ms: number;
}

/** Metrics column by column: far smaller and quicker to send and read than one object a step. */
export interface Series {
  step: number[];
  loss: number[];
  lr: number[];
  gradNorm: number[];
  tokensPerSecond: number[];
  memoryBytes: number[];
  elapsedMs: number[];
  /** When each step was recorded, in epoch milliseconds; 0 where that is not known. */
  atMs: number[];
  /** Scores of choices, NaN where there are none; absent in runs that learn answers as they stand. */
  preference?: Record<'chosenReward' | 'rejectedReward' | 'accuracy' | 'kl', number[]>;
  /** Validation losses after the evaluation asked for. */
  evaluations: Evaluation[];
  /** There are steps after the last of these. */
  more: boolean;
}

type RawRow = [
  step: number,
  loss: number,
  lr: number,
  gradNorm: number,
  tokensPerSecond: number,
  memoryBytes: number,
  elapsedMs: number,
  atMs: number | null,
  chosenReward: number | null,
  rejectedReward: number | null,
  accuracy: number | null,
  kl: number | null,
];

export const SERIES_AFTER =
  `SELECT step, loss, lr, grad_norm, tokens_per_second, memory_bytes, elapsed_ms, at_ms, ${SCORE_COLUMNS} ` +
  'FROM metrics WHERE run_id = ? AND step > ? ORDER BY step LIMIT ?';
const EVALUATION = `SELECT step, val_loss, ${SCORE_COLUMNS} FROM evaluations WHERE run_id = ?`;
export const EVALUATIONS_AFTER = `${EVALUATION} AND step > ? ORDER BY step`;
export const METRICS_AFTER = 'SELECT * FROM metrics WHERE run_id = ? AND step > ? ORDER BY step';

export function metricQueries(db: Database) {
  const after = db.prepare<[string, number], Row>(METRICS_AFTER);
  const last = db.prepare<[string, number], Row>('SELECT * FROM metrics WHERE run_id = ? ORDER BY step DESC LIMIT ?');
  const series = db.prepare<[string, number, number], RawRow>(SERIES_AFTER).raw(true);
  const evaluationsAfter = db.prepare<[string, number], EvaluationRow>(EVALUATIONS_AFTER);
  const evaluations = db.prepare<[string], EvaluationRow>(`${EVALUATION} ORDER BY step`);
  const losses = db.prepare<[string], number | null>('SELECT loss FROM metrics WHERE run_id = ? ORDER BY step').pluck();
  const total = db.prepare<[string], { ms: number | null }>(
    'SELECT sum(elapsed_ms) AS ms FROM metrics WHERE run_id = ?',
  );
  const put = db.prepare(
    `INSERT OR REPLACE INTO metrics (run_id, step, loss, lr, grad_norm, tokens_per_second, memory_bytes, elapsed_ms,
       at_ms, ${SCORE_COLUMNS})
     VALUES (@runId, @step, @loss, @lr, @gradNorm, @tokensPerSecond, @memoryBytes, @elapsedMs, @atMs, @chosenReward,
       @rejectedReward, @accuracy, @kl)`,
  );
  const putEvaluation = db.prepare(
    `INSERT OR REPLACE INTO evaluations (run_id, step, val_loss, ${SCORE_COLUMNS})
     VALUES (@runId, @step, @valLoss, @chosenReward, @rejectedReward, @accuracy, @kl)`,
  );
  const dropMetrics = db.prepare<[string, number]>('DELETE FROM metrics WHERE run_id = ? AND step > ?');
  const dropEvaluations = db.prepare<[string, number]>('DELETE FROM evaluations WHERE run_id = ? AND step > ?');
  const copyMetrics = db.prepare(
    `INSERT INTO metrics (run_id, step, loss, lr, grad_norm, tokens_per_second, memory_bytes, elapsed_ms,
       ${SCORE_COLUMNS})
     SELECT @to, step, loss, lr, grad_norm, tokens_per_second, memory_bytes, elapsed_ms, ${SCORE_COLUMNS}
     FROM metrics WHERE run_id = @from AND step <= @step`,
  );
  const copyEvaluations = db.prepare(
    `INSERT INTO evaluations (run_id, step, val_loss, ${SCORE_COLUMNS})
     SELECT @to, step, val_loss, ${SCORE_COLUMNS} FROM evaluations WHERE run_id = @from AND step <= @step`,
  );
  return {
    /** Metrics of the steps after `step`, in order. */
    after: (runId: string, step: number): StepMetrics[] => after.all(runId, step).map(toMetrics),
    /** Training losses of all steps, in order. */
    losses: (runId: string): number[] => losses.all(runId).map((loss) => loss ?? NaN),
    /** Milliseconds that all steps took together. */
    totalMs: (runId: string): number => total.get(runId)?.ms ?? 0,
    /** At most `count` of the last steps, the newest first. */
    last: (runId: string, count: number): StepMetrics[] => last.all(runId, count).map(toMetrics),
    evaluations: (runId: string): Evaluation[] => evaluations.all(runId).map(toEvaluation),
    /** At most `maxPoints` steps after `step`, and all validation losses after `evaluation` (-1: from the start). */
    series(runId: string, step: number, evaluation: number, maxPoints: number): Series {
      const rows = series.all(runId, step, maxPoints + 1);
      const more = rows.length > maxPoints;
      if (more) rows.pop();
      const column = (index: number): number[] => rows.map((row) => row[index] ?? NaN);
      return {
        step: column(0),
        loss: column(1),
        lr: column(2),
        gradNorm: column(3),
        tokensPerSecond: column(4),
        memoryBytes: column(5),
        elapsedMs: column(6),
        atMs: rows.map((row) => row[7] ?? 0),
        ...(rows.some((row) => row[10] !== null)
          ? { preference: { chosenReward: column(8), rejectedReward: column(9), accuracy: column(10), kl: column(11) } }
          : {}),
        evaluations: evaluationsAfter.all(runId, evaluation).map(toEvaluation),
        more,
      };
    },
    /** `atMs`: when the step was taken, in epoch milliseconds. */
    put: (runId: string, { preference, ...m }: StepMetrics, atMs: number | null = null) =>
      void put.run({
        ...m,
        ...scoreParameters(preference),
        runId,
        memoryBytes: Math.round(m.memoryBytes),
        atMs: atMs && Math.round(atMs),
      }),
    putEvaluation: (runId: string, { step, valLoss, preference }: Evaluation) =>
      void putEvaluation.run({ runId, step, valLoss, ...scoreParameters(preference) }),
    /** Forgets what a crashed run recorded after the run state it now continues from. */
    dropAfter(runId: string, step: number): void {
      dropMetrics.run(runId, step);
      dropEvaluations.run(runId, step);
    },
    /**
     * Gives the run `to`, which goes on from `step` of the run `from`, the picture up to there; not when that was,
     * which would make the new run as long as the time between the two.
     */
    copyUpTo(from: string, to: string, step: number): void {
      copyMetrics.run({ from, to, step });
      copyEvaluations.run({ from, to, step });
    },
  };
}

interface EvaluationRow extends ScoreRow {
  step: number;
  val_loss: number;
}

/** Without the key where there are none. */
const preferenceOf = (row: ScoreRow): { preference?: PreferenceScores } => {
  const preference = scoresOf(row);
  return preference ? { preference } : {};
};

const toEvaluation = (row: EvaluationRow): Evaluation => ({
  step: row.step,
  valLoss: row.val_loss,
  ...preferenceOf(row),
});

const toMetrics = (row: Row): StepMetrics => ({
  step: row.step,
  loss: row.loss,
  lr: row.lr,
  gradNorm: row.grad_norm,
  tokensPerSecond: row.tokens_per_second,
  memoryBytes: row.memory_bytes,
  elapsedMs: row.elapsed_ms,
  ...preferenceOf(row),
});
