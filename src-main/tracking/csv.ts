/** A run as tables of comma-separated values (RFC 4180): its steps, its evaluations, its settings and results. */
import type { TrackedRun } from './trackedRun.ts';

type Cell = string | number | boolean;

/** Content by file name. Numbers are as exact as they were recorded; one that is not finite is an empty cell. */
export function csvFiles({ steps, evaluations, settings, results }: TrackedRun): Record<string, string> {
  return {
    'steps.csv': table(
      [
        'step',
        'train_loss',
        'learning_rate',
        'gradient_norm',
        'tokens_per_second',
        'memory_bytes',
        'elapsed_ms',
        'recorded_at',
      ],
      steps.map((s) => [
        s.step,
        s.loss,
        s.lr,
        s.gradNorm,
        s.tokensPerSecond,
        s.memoryBytes,
        s.elapsedMs,
        new Date(s.atMs).toISOString(),
      ]),
    ),
    'evaluations.csv': table(
      ['step', 'validation_loss'],
      evaluations.map(({ step, valLoss }) => [step, valLoss]),
    ),
    'settings.csv': table(['setting', 'value'], Object.entries(settings)),
    'results.csv': table(['result', 'value'], Object.entries(results)),
  };
}

function table(head: string[], rows: Cell[][]): string {
  return [head, ...rows].map((row) => `${row.map(cell).join(',')}\r\n`).join('');
}

function cell(value: Cell): string {
  if (typeof value === 'number' && !Number.isFinite(value)) return '';
  const text = String(value);
  return /[",\r\n]/.test(text) ? `"${text.replaceAll('"', '""')}"` : text;
}
