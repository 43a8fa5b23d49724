/** The loss of runs in a few points each, for small graphs; the cost grows with the points, not with the steps. */
import type { Database } from 'better-sqlite3';

export interface LossSample {
  step: number;
  /** Mean over up to eight steps from `step` on. */
  loss: number;
}

/** One look-up by primary key per point: `points` steps, evenly spaced between a run's first and last. */
export const LOSS_SAMPLES = `
WITH RECURSIVE
  wanted (run_id) AS (SELECT value FROM json_each(@runIds)),
  spans AS (
    SELECT run_id,
      (SELECT min(step) FROM metrics m WHERE m.run_id = w.run_id) AS first,
      (SELECT max(step) FROM metrics m WHERE m.run_id = w.run_id) AS last
    FROM wanted w
  ),
  numbers (i) AS (SELECT 0 UNION ALL SELECT i + 1 FROM numbers WHERE i + 1 < @points),
  places AS (
    SELECT DISTINCT run_id, first + CAST(round((last - first) * i * 1.0 / max(1, @points - 1)) AS INTEGER) AS step
    FROM spans CROSS JOIN numbers WHERE first IS NOT NULL
  )
SELECT run_id, step, (
  SELECT avg(loss) FROM (
    SELECT loss FROM metrics m WHERE m.run_id = p.run_id AND m.step >= p.step ORDER BY m.step LIMIT 8
  )
) AS loss
FROM places p ORDER BY run_id, step`;

/** At most `points` samples of each run, by run; a run without metrics has no entry. */
export function lossSamples(db: Database, runIds: string[], points: number): Map<string, LossSample[]> {
  const rows = db
    .prepare<[{ runIds: string; points: number }], { run_id: string; step: number; loss: number }>(LOSS_SAMPLES)
    .all({ runIds: JSON.stringify(runIds), points });
  const samples = new Map<string, LossSample[]>();
  for (const { run_id, step, loss } of rows) samples.set(run_id, [...(samples.get(run_id) ?? []), { step, loss }]);
  return samples;
}
