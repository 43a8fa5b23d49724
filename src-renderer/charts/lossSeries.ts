/** Lays a run's losses out as the aligned columns that uPlot draws. */
import { smooth } from './smooth.ts';

export interface LossPoint {
  step: number;
  loss: number;
}

export interface ValidationPoint {
  step: number;
  valLoss: number;
}

/** x, raw train loss, smoothed train loss, validation loss; null where a series has no value at x. */
export type LossColumns = [number[], (number | null)[], (number | null)[], (number | null)[]];

/** Columns over the union of all steps, ascending. `beta` is the smoothing of the moving average. */
export function lossColumns(train: readonly LossPoint[], validation: readonly ValidationPoint[], beta: number): LossColumns {
  const smoothed = smooth(train.map((point) => point.loss), beta);
  const raw = new Map(train.map((point) => [point.step, point.loss]));
  const mean = new Map(train.map((point, index) => [point.step, smoothed[index] ?? null]));
  const valid = new Map(validation.map((point) => [point.step, point.valLoss]));
  const steps = [...new Set([...raw.keys(), ...valid.keys()])].sort((a, b) => a - b);
  const column = (values: Map<number, number | null>) => steps.map((step) => values.get(step) ?? null);
  return [steps, column(raw), column(mean), column(valid)];
}
