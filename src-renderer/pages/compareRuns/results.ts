/** What a run has come to, also while it is under way. */
import type { SeriesStore } from '../../charts/seriesStore.ts';
import type { RunView } from '../../lib/api.ts';

export interface Result {
  /** Lowest held-out loss of trained values and its step; null without one. */
  best: { step: number; valLoss: number } | null;
  /** Of the last step. */
  trainLoss: number | null;
  /** Milliseconds that the steps took. */
  trainingMs: number | null;
  tokensPerSecond: number | null;
  peakMemoryBytes: number | null;
  /** Of the adapter, or of the whole model; null before the end. */
  sizeBytes: number | null;
}

export function resultOf({ result, trainingMs }: RunView, store: SeriesStore): Result {
  const { columns, evaluations } = store;
  const memory = columns.memoryBytes.values;
  return {
    best: bestOf(evaluations.step.values, evaluations.valLoss.values),
    trainLoss: result?.finalLoss ?? columns.loss.last ?? null,
    trainingMs: trainingMs ?? (store.totalMs > 0 ? store.totalMs : null),
    tokensPerSecond: result?.tokensPerSecond ?? columns.tokensPerSecond.last ?? null,
    peakMemoryBytes: result?.peakMemoryBytes ?? (memory.length > 0 ? memory.reduce((a, b) => Math.max(a, b), 0) : null),
    sizeBytes: result?.sizeBytes ?? null,
  };
}

/** The evaluation before the first step is of the base. */
function bestOf(steps: Float64Array, losses: Float64Array): Result['best'] {
  let best: Result['best'] = null;
  steps.forEach((step, i) => {
    const valLoss = losses[i] ?? NaN;
    if (step > 0 && Number.isFinite(valLoss) && !(best && best.valLoss <= valLoss)) best = { step, valLoss };
  });
  return best;
}
