/** What callers send about an export of registered adapters, or of a registered model as it is. */
import { z } from 'zod';
import { EXPORT_FORMATS, QUANTISATIONS } from '../../../src-shared/exports.ts';

const common = {
  format: z.enum(EXPORT_FORMATS).default('hf'),
  outDir: z.string().min(1),
  dtype: z.enum(['f32', 'f16', 'bf16']).optional(),
  quantise: z.array(z.enum(QUANTISATIONS)).min(1).max(QUANTISATIONS.length).optional(),
  maxShardBytes: z.number().int().positive().optional(),
  /** Keeps a whole model whose certificate fails, marked as such. */
  allowFailedCertificate: z.boolean().default(false),
};

const ofMany = z.object({
  ...common,
  adapters: z
    .array(z.object({ adapterId: z.string(), scale: z.number().default(1) }))
    .min(1)
    .max(16),
});
/** `modelId`: of a model that is written as it is, and then there are no adapters. */
export type ExportInput = z.output<typeof ofMany> & { modelId?: string };

/** One adapter by its id alone, or a list with scales, or a model. */
export const exportSchema = z.union([
  ofMany,
  z
    .object({ ...common, adapterId: z.string() })
    .transform(({ adapterId, ...rest }): ExportInput => ({ ...rest, adapters: [{ adapterId, scale: 1 }] })),
  z
    .object({ ...common, modelId: z.string() })
    .transform(({ modelId, ...rest }): ExportInput => ({ ...rest, adapters: [], modelId })),
]);
