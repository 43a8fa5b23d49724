/**
 * What a job's files may say: they come from another machine, where disks fill up and others may write. A number that
 * is none (NaN, infinite) is null in JSON.
 */
import { z } from 'zod';
import { BACKENDS } from '../../src-shared/backends.ts';
import { JOB_PHASES } from '../../src-shared/jobs.ts';

const count = z.number().int();
const number = z
  .number()
  .nullable()
  .transform((value) => value ?? NaN);

const preference = z.looseObject({
  chosenReward: z.number().nullable(),
  rejectedReward: z.number().nullable(),
  margin: z.number().nullable(),
  accuracy: number,
  kl: z.number().optional(),
});

const place = { seq: count, attempt: count, atMs: z.number() };

export const jobEventSchema = z.discriminatedUnion('type', [
  z.looseObject({
    ...place,
    type: z.literal('started'),
    engine: z.enum(BACKENDS),
    device: z.string(),
    trainableParameters: count,
    totalParameters: count,
    totalSteps: count,
    trainRows: count,
    valRows: count,
    resumedFrom: count,
  }),
  z.looseObject({
    ...place,
    type: z.literal('step'),
    step: count,
    loss: number,
    lr: number,
    gradNorm: number,
    tokensPerSecond: number,
    memoryBytes: number,
    elapsedMs: number,
    preference: preference.optional(),
  }),
  z.looseObject({
    ...place,
    type: z.literal('eval'),
    step: count,
    valLoss: number,
    scores: z.looseObject({ accuracy: number, macroF1: number, f1: number.optional() }).optional(),
    preference: preference.optional(),
  }),
  z.looseObject({ ...place, type: z.literal('checkpoint'), step: count }),
  z.looseObject({
    ...place,
    type: z.literal('sample'),
    step: count,
    texts: z.array(z.string()),
    losses: z.array(z.number().nullable()).optional(),
  }),
  z.looseObject({ ...place, type: z.literal('log'), message: z.string() }),
]);

const resultSchema = z.looseObject({
  outcome: z.enum(['completed', 'stopped', 'paused']),
  outDir: z.string(),
  sha256: z.string(),
  sizeBytes: count,
  steps: count,
  firstLoss: number,
  finalLoss: number,
  initialValLoss: z.number().nullable(),
  valLoss: z.number().nullable(),
  trainableParameters: count,
  totalParameters: count,
  tokensPerSecond: number,
  peakMemoryBytes: number,
  engine: z.enum(BACKENDS),
  device: z.string(),
});

export const jobStateSchema = z.looseObject({
  phase: z.enum(JOB_PHASES),
  attempt: count,
  host: z.string(),
  pid: count,
  beganAtMs: z.number(),
  beatMs: z.number(),
  step: count,
  engine: z.enum(BACKENDS).optional(),
  ranks: count,
  slurm: z.object({ jobId: z.string(), arrayTask: count.optional(), restarts: count }).optional(),
  why: z.enum(['told to end', 'time limit']).optional(),
  result: resultSchema.optional(),
  error: z
    .object({
      code: z.string(),
      message: z.string(),
      details: z.record(z.string(), z.unknown()).optional(),
      kind: z.enum(['usage', 'failure']).optional(),
    })
    .optional(),
  resumable: z.boolean(),
});
