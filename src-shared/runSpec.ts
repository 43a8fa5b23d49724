/** Everything that a run is started with, as it crosses to the worker and as the catalogue keeps it. */
import { z } from 'zod';
import { ENGINES } from './backends.ts';
import { BASE_DTYPES } from './baseDtypes.ts';
import { methodSchema } from './methodSettings.ts';
import { trainSettingsSchema } from './settings/training.ts';

/** What the dataset reader needs to read the rows again, exactly as they were checked. */
export const dataSpecSchema = z.object({
  file: z.string(),
  /** Undefined: by file extension and content. */
  format: z.enum(['jsonl', 'json', 'csv']).optional(),
  /** Column renames, wanted name -> name in the file, e.g. { prompt: 'question' }. */
  map: z.record(z.string(), z.string()).default({}),
  /** Which tokens carry loss. */
  lossOn: z.enum(['completion', 'all']).default('completion'),
  /** Tokens per example, longer ones are truncated. */
  maxLength: z.number().int().min(2).default(256),
  /** Rows are texts with a label each; a head that tells the labels apart is trained with the adapter. */
  classify: z.boolean().optional(),
  /** Lines of the file whose rows are not trained on; which rows validate does not depend on them. */
  excludeLines: z.array(z.number().int().min(1)).optional(),
});
export type DataSpec = z.infer<typeof dataSpecSchema>;

/** Everything a run needs; self-contained, so that a run can be repeated or resumed from this record alone. */
export const runSpecSchema = z.object({
  runId: z.string(),
  engine: z.enum(['auto', ...ENGINES]).default('auto'),
  model: z.object({ dir: z.string(), hash: z.string() }),
  /** How the base's linear layers are kept in memory; absent, as in runs of before, means f32. */
  baseDtype: z.enum(BASE_DTYPES).optional(),
  data: dataSpecSchema.extend({
    hash: z.string().optional(),
    allowBadRows: z.boolean().default(true),
    /** Of the dataset in the catalogue, which `file` was. */
    version: z.number().int().min(1).optional(),
  }),
  task: z.string(),
  method: methodSchema,
  train: trainSettingsSchema,
  /** Folder of this run, for its checkpoint. Exists before the run starts. */
  runDir: z.string(),
  /** Where the finished adapter folder (or, for `full`, the model folder) goes; must not exist yet. */
  outDir: z.string(),
  /** The run was rolled back: up to `step` it is the run `runId`, whose rows may have been others. */
  rolledBack: z.object({ runId: z.string(), step: z.number().int().min(0) }).optional(),
});
export type RunSpec = z.infer<typeof runSpecSchema>;

/** In a run's folder: what it can go on from. */
export const RUN_STATE_FILE = 'checkpoint.safetensors';
