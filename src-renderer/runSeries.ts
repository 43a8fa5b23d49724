/** Recorded and live losses of one run as one series, and the pace they show. */
import type { StepMetrics } from './api.ts';
import type { ValidationPoint } from './charts/lossSeries.ts';

/** Steps that the estimate of the remaining time looks back on. */
const PACE_STEPS = 20;

/** Both lists by step, ascending; where a step is in both, `newer` wins. */
export function mergeSteps<P extends { step: number }>(older: readonly P[], newer: readonly P[]): P[] {
  const first = newer[0];
  if (!first) return [...older];
  if (first.step > (older.at(-1)?.step ?? -1)) return [...older, ...newer];
  const byStep = new Map([...older, ...newer].map((point) => [point.step, point]));
  return [...byStep.values()].sort((a, b) => a.step - b.step);
}

/** A resumed run repeats the steps after its checkpoint: what was drawn for them goes. */
export function upTo<P extends { step: number }>(points: readonly P[], step: number): P[] {
  return points.filter((point) => point.step <= step);
}

/** Milliseconds to go at the pace of the last steps; undefined before there is a pace. */
export function timeLeft(steps: readonly StepMetrics[], totalSteps: number): number | undefined {
  const recent = steps.slice(-PACE_STEPS);
  const last = recent.at(-1);
  if (!last) return undefined;
  return (timeTaken(recent) / recent.length) * (totalSteps - last.step);
}

/** Milliseconds that all these steps took. */
export function timeTaken(steps: readonly StepMetrics[]): number {
  return steps.reduce((sum, step) => sum + step.elapsedMs, 0);
}

/** The validation part of an event or record. */
export function validationPoint({ step, valLoss }: ValidationPoint): ValidationPoint {
  return { step, valLoss };
}
