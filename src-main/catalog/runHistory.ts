/** What a run has said and written on its way: sample texts per evaluation, and its log. */
import type { Database } from 'better-sqlite3';

/** Texts generated after `step`, one per sample prompt. */
export interface Sample {
  step: number;
  texts: string[];
  /** Loss of the row that each prompt is of, null where none asks it; absent in samples of before. */
  losses?: (number | null)[] | undefined;
}

/** A line of the log that is kept; `id` rises from line to line. */
export interface LogLine extends LogEntry {
  id: number;
}

export interface LogEntry {
  atMs: number;
  message: string;
}

/** Newest lines that a page is given: more than anyone reads, less than a window can hold. */
const MOST_LINES = 5000;

export const LOG_OF_RUN = 'SELECT id, at_ms, message FROM run_log WHERE run_id = ? AND id > ? ORDER BY id DESC LIMIT ?';

export function runHistoryQueries(db: Database) {
  const samples = db.prepare<[string], { step: number; texts: string; losses: string | null }>(
    'SELECT step, texts, losses FROM samples WHERE run_id = ? ORDER BY step',
  );
  const putSample = db.prepare('INSERT OR REPLACE INTO samples (run_id, step, texts, losses) VALUES (?, ?, ?, ?)');
  const dropSamples = db.prepare<[string, number]>('DELETE FROM samples WHERE run_id = ? AND step > ?');
  const copySamples = db.prepare(
    'INSERT INTO samples (run_id, step, texts, losses) SELECT @to, step, texts, losses FROM samples ' +
      'WHERE run_id = @from AND step <= @step',
  );
  const log = db.prepare<[string, number, number], { id: number; at_ms: number; message: string }>(LOG_OF_RUN);
  const messages = db.prepare<[string], string>('SELECT message FROM run_log WHERE run_id = ? ORDER BY id').pluck();
  const putLine = db.prepare('INSERT INTO run_log (run_id, at_ms, message) VALUES (?, ?, ?)');
  return {
    /** In the order of their steps. */
    samples: (runId: string): Sample[] =>
      samples.all(runId).map(({ step, texts, losses }) => ({
        step,
        texts: JSON.parse(texts) as string[],
        ...(losses === null ? {} : { losses: JSON.parse(losses) as (number | null)[] }),
      })),
    putSample: (runId: string, { step, texts, losses }: Sample) =>
      void putSample.run(runId, step, JSON.stringify(texts), losses ? JSON.stringify(losses) : null),
    /** Forgets the samples after `step`, which a resumed run makes again. */
    dropSamplesAfter: (runId: string, step: number) => void dropSamples.run(runId, step),
    copySamples: (from: string, to: string, step: number) => void copySamples.run({ from, to, step }),
    /** Lines after the one with the id `after`, oldest first; of a very long log the newest lines. */
    log: (runId: string, after: number): LogLine[] =>
      log
        .all(runId, after, MOST_LINES)
        .reverse()
        .map(({ id, at_ms: atMs, message }) => ({ id, atMs, message })),
    /** Of all lines, oldest first. */
    messages: (runId: string): string[] => messages.all(runId),
    putLine: (runId: string, { atMs, message }: LogEntry) => void putLine.run(runId, Math.round(atMs), message),
  };
}
