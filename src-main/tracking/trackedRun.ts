/** What tools that track experiments are told of a run. */
import type { SettingValue } from '../../src-shared/flatSettings.ts';
import type { StepMetrics } from '../../src-shared/training.ts';

export interface TrackedStep extends StepMetrics {
  /** Epoch milliseconds. */
  atMs: number;
}

export interface TrackedRun {
  id: string;
  name: string;
  task: string;
  status: 'queued' | 'running' | 'paused' | 'stopped' | 'completed' | 'failed';
  tags: string[];
  notes: string;
  /** Epoch milliseconds. */
  startedMs: number;
  /** Null while it has not ended. */
  endedMs: number | null;
  /** By flat names such as `train.lr`. */
  settings: Record<string, SettingValue>;
  /** What it ended with, by name; empty before its end. */
  results: Record<string, number>;
  steps: TrackedStep[];
  evaluations: { step: number; valLoss: number; atMs: number }[];
}

/** Names of a step's values, as Hugging Face's trainer reports them. */
const STEP_SCALARS = {
  'train/loss': 'loss',
  'train/learning_rate': 'lr',
  'train/grad_norm': 'gradNorm',
  'train/tokens_per_second': 'tokensPerSecond',
  'train/memory_bytes': 'memoryBytes',
  'train/step_ms': 'elapsedMs',
} as const satisfies Record<string, keyof StepMetrics>;

const EVALUATION_SCALAR = 'eval/loss';

/** What is measured at one step, by name; what is not a finite number is left out. */
export interface Scalars {
  step: number;
  atMs: number;
  values: [name: string, value: number][];
}

/** Steps and evaluations together, by step; an evaluation comes behind its step. */
export function scalarsOf({ steps, evaluations }: TrackedRun): Scalars[] {
  const names = Object.entries(STEP_SCALARS);
  const trained = steps.map((step): Scalars => ({
    step: step.step,
    atMs: step.atMs,
    values: names.map(([name, key]) => [name, step[key]]),
  }));
  const evaluated = evaluations.map(({ step, atMs, valLoss }): Scalars => ({
    step,
    atMs,
    values: [[EVALUATION_SCALAR, valLoss]],
  }));
  return [...trained, ...evaluated]
    .map((scalars) => ({ ...scalars, values: scalars.values.filter(([, value]) => Number.isFinite(value)) }))
    .filter(({ values }) => values.length > 0)
    .sort((a, b) => a.step - b.step);
}
