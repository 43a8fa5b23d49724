/** What callers send about adapters. */
import { z } from 'zod';
import { nameSchema, taskNameSchema } from '../inputs.ts';

export const changesSchema = z.object({
  name: nameSchema.optional(),
  notes: z.string().max(20_000).optional(),
  tags: z
    .array(z.string().trim().min(1).max(40))
    .max(20)
    .transform((tags) => [...new Set(tags)])
    .optional(),
  taskId: z.string().optional(),
});
export type AdapterChanges = z.output<typeof changesSchema>;

export const importSchema = z.object({
  dir: z.string().trim().min(1),
  taskName: taskNameSchema,
  name: nameSchema,
  /** One of the base models that fit; absent: the likeliest. */
  modelId: z.string().optional(),
  /** What loralib's files do not store. */
  alpha: z.number().positive().optional(),
});
export type ImportRequest = z.output<typeof importSchema>;
