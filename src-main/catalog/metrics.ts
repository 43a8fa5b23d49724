/** Metrics per optimiser step and validation losses of a run. */
import type { Database } from 'better-sqlite3';
import type { StepMetrics } from '../trainer/protocol.ts';

export interface Evaluation {
  step: number;
  valLoss: number;
}

interface Row {
  step: number;
  loss: number;
  lr: number;
  grad_norm: number;
  tokens_per_second: number;
  memory_bytes: number;
  elapsed_ms: number;
}

export const METRICS_AFTER = 'SELECT * FROM metrics WHERE run_id = ? AND step > ? ORDER BY step';

export function metricQueries(db: Database) {
  const after = db.prepare<[string, number], Row>(METRICS_AFTER);
  const evaluations = db.prepare<[string], { step: number; val_loss: number }>('SELECT step, val_loss FROM evaluations WHERE run_id = ? ORDER BY step');
  const put = db.prepare(
    `INSERT OR REPLACE INTO metrics (run_id, step, loss, lr, grad_norm, tokens_per_second, memory_bytes, elapsed_ms)
     VALUES (@runId, @step, @loss, @lr, @gradNorm, @tokensPerSecond, @memoryBytes, @elapsedMs)`,
  );
  const putEvaluation = db.prepare('INSERT OR REPLACE INTO evaluations (run_id, step, val_loss) VALUES (?, ?, ?)');
  const dropMetrics = db.prepare<[string, number]>('DELETE FROM metrics WHERE run_id = ? AND step > ?');
  const dropEvaluations = db.prepare<[string, number]>('DELETE FROM evaluations WHERE run_id = ? AND step > ?');
  return {
    /** Metrics of the steps after `step`, in order. */
    after: (runId: string, step: number): StepMetrics[] => after.all(runId, step).map(toMetrics),
    evaluations: (runId: string): Evaluation[] => evaluations.all(runId).map((row) => ({ step: row.step, valLoss: row.val_loss })),
    put: (runId: string, m: StepMetrics) => void put.run({ ...m, runId, memoryBytes: Math.round(m.memoryBytes) }),
    putEvaluation: (runId: string, e: Evaluation) => void putEvaluation.run(runId, e.step, e.valLoss),
    /** Forgets what a crashed run recorded after the checkpoint it now continues from. */
    dropAfter(runId: string, step: number): void {
      dropMetrics.run(runId, step);
      dropEvaluations.run(runId, step);
    },
  };
}

const toMetrics = (row: Row): StepMetrics => ({
  step: row.step,
  loss: row.loss,
  lr: row.lr,
  gradNorm: row.grad_norm,
  tokensPerSecond: row.tokens_per_second,
  memoryBytes: row.memory_bytes,
  elapsedMs: row.elapsed_ms,
});
