/** What callers send to the lab. */
import { z } from 'zod';
import { COMPOSE_METHODS } from '../../../src-shared/lab.ts';
import { nameSchema, taskNameSchema } from '../inputs.ts';

/** As in most of the paper's figures (arXiv:2410.21228). */
const intruders = {
  /** |cosine| below which a singular vector is an intruder. */
  epsilon: z.number().gt(0).max(1).default(0.5),
  /** Singular vectors of each matrix that are looked at. */
  top: z.number().int().min(1).default(10),
};

/** What to find out, and of which adapters of the catalogue. */
export const lookSchema = z.discriminatedUnion('tool', [
  z.object({ tool: z.literal('spectrum'), adapterId: z.string() }),
  z.object({ tool: z.literal('similarity'), adapterId: z.string(), otherId: z.string() }),
  z.object({
    tool: z.literal('amplification'),
    adapterId: z.string(),
    /** Directions of each subspace; absent: the adapter's largest rank. */
    top: z.number().int().min(1).optional(),
  }),
  z.object({
    tool: z.literal('intruders'),
    adapterId: z.string(),
    ...intruders,
  }),
]);
export type LabLook = z.output<typeof lookSchema>;

/** Two adapters, and the matrix whose grids are wanted. */
export const gridSchema = z.object({ adapterId: z.string(), otherId: z.string(), name: z.string() });

export const jobSchema = z.object({ job: z.string() });

/** A new folder, or a place in the catalogue. */
const placeSchema = z.union([
  z.object({ outDir: z.string().trim().min(1) }),
  z.object({ name: nameSchema, taskName: taskNameSchema }),
]);
export type LabPlace = z.output<typeof placeSchema>;

/** Whether losses are measured on the rows that the adapters' runs kept for validation. */
const measuresLoss = z.boolean().default(true);

export const compressSchema = z.object({
  adapterId: z.string(),
  rule: z.union([
    z.object({ rank: z.number().int().min(1) }),
    z.object({ energy: z.number().gt(0).max(1) }),
    z.object({ bytes: z.number().int().min(1) }),
  ]),
  place: placeSchema,
  measuresLoss,
});
export type CompressInput = z.output<typeof compressSchema>;

export const withoutIntrudersSchema = z.object({ adapterId: z.string(), ...intruders, place: placeSchema });
export type WithoutIntrudersInput = z.output<typeof withoutIntrudersSchema>;

export const composeSchema = z.object({
  adapters: z.array(z.object({ adapterId: z.string(), weight: z.number() })).min(1),
  method: z.enum(COMPOSE_METHODS).default('linear'),
  density: z.number().gt(0).max(1).default(0.5),
  rank: z.number().int().min(1).optional(),
  seed: z.number().int().default(0),
  place: placeSchema,
  measuresLoss,
});
export type ComposeInput = z.output<typeof composeSchema>;
