/** The learning rate of each step, as training will set it, thinned out for a graph. */
import { z } from 'zod';
import { scheduleFactor, warmupSteps } from '../../../src-shared/schedule.ts';
import { trainSettingsSchema } from '../../../src-shared/settings/training.ts';

/** Points of a drawn curve. */
const POINTS = 240;

export const scheduleSchema = trainSettingsSchema
  .pick({ lr: true, schedule: true, warmup: true })
  .extend({ totalSteps: z.number().int().min(1) });

export interface ScheduleCurve {
  /** Step (1-based) and the learning rate it uses. */
  points: [step: number, lr: number][];
  warmupSteps: number;
  totalSteps: number;
}

export function scheduleCurve({ lr, schedule, warmup, totalSteps }: z.output<typeof scheduleSchema>): ScheduleCurve {
  const rise = warmupSteps(warmup, totalSteps);
  const count = Math.min(POINTS, totalSteps);
  const steps = new Set(
    Array.from({ length: count }, (_, i) => (count === 1 ? 1 : Math.round(1 + (i * (totalSteps - 1)) / (count - 1)))),
  );
  if (rise >= 1 && rise < totalSteps) steps.add(rise + 1);
  const points = [...steps]
    .sort((a, b) => a - b)
    .map((step): [number, number] => [step, lr * scheduleFactor(schedule, step - 1, rise, totalSteps)]);
  return { points, warmupSteps: rise, totalSteps };
}
