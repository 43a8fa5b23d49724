/** Before a run starts: what it would take, its learning-rate curve, and the command line that says the same. */
import { z } from 'zod';
import { scheduleFactor, warmupSteps } from '../engine/optim/schedule.ts';
import { findParts, startRunSchema } from '../app/runs/input.ts';
import type { Services } from '../app/services.ts';
import { trainSettingsSchema } from '../../src-shared/settings/training.ts';
import { cliLine } from '../app/runs/cliLine.ts';
import { procedure, router } from './trpc.ts';

/** Points of a drawn curve. */
const POINTS = 240;

export interface ScheduleCurve {
  /** Step (1-based) and the learning rate it uses. */
  points: [step: number, lr: number][];
  warmupSteps: number;
  totalSteps: number;
}

export function plansRouter({ catalog, plans }: Services) {
  return router({
    /**
     * Steps, tokens, trained parameters, memory and a verdict; nothing is loaded. Throws what the start would throw.
     */
    estimate: procedure.input(startRunSchema).query(({ input }) => plans.estimate(input)),

    /** The largest batch, length and rank that fit into this machine. */
    largest: procedure.input(startRunSchema).query(({ input }) => plans.largest(input)),

    /** The learning rate of each step, as the trainer will set it. */
    schedule: procedure
      .input(
        trainSettingsSchema
          .pick({ lr: true, schedule: true, warmup: true })
          .extend({ totalSteps: z.number().int().min(1) }),
      )
      .query(({ input }) => curveOf(input)),

    /** The command that starts the same run. */
    commandLine: procedure.input(startRunSchema).query(({ input }) => {
      const { model, dataset } = findParts(catalog, input);
      return cliLine(input, { model, dataset });
    }),
  });
}

export function curveOf({
  lr,
  schedule,
  warmup,
  totalSteps,
}: {
  lr: number;
  schedule: 'linear' | 'cosine' | 'constant';
  warmup: number;
  totalSteps: number;
}): ScheduleCurve {
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
