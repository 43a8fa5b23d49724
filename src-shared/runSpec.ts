/** Everything that a run is started with, as it crosses to the worker and as the catalogue keeps it. */
import { z } from 'zod';
import { methodSchema } from './methods/registry.ts';
import { objectiveSchema } from './objectives.ts';
import { COMPUTE_SETTINGS } from './settings/compute.ts';
import { DATA_SETTINGS, FILE_SETTINGS } from './settings/data.ts';
import { schemaOf } from './settings/setting.ts';
import { trainSettingsSchema } from './settings/training.ts';

/** What the dataset reader needs to read the rows again, exactly as they were checked. */
export const dataSpecSchema = z.object({
  file: z.string(),
  ...schemaOf(FILE_SETTINGS).shape,
  ...schemaOf(DATA_SETTINGS).shape,
});
export type DataSpec = z.infer<typeof dataSpecSchema>;

/** Everything a run needs; self-contained, so that a run can be repeated or resumed from this record alone. */
export const runSpecSchema = z.object({
  runId: z.string(),
  /** An absent `baseDtype` or `embeddingDtype`, as in runs of before, means f32. */
  ...schemaOf(COMPUTE_SETTINGS).shape,
  model: z.object({ dir: z.string(), hash: z.string() }),
  data: dataSpecSchema.extend({
    hash: z.string().optional(),
    allowBadRows: z.boolean().default(true),
    /** Of the dataset in the catalogue, which `file` was. */
    version: z.number().int().min(1).optional(),
  }),
  task: z.string(),
  method: methodSchema,
  /** What is learnt from choices between answers; absent: answers as they stand. */
  objective: objectiveSchema.optional(),
  /** The adapter that the run begins with, of the same method and settings; its values are the reference of choices. */
  startsFrom: z.object({ dir: z.string(), sha256: z.string() }).optional(),
  train: trainSettingsSchema,
  /** Each epoch ends with its own last batch; absent in runs from before, whose steps run on over its end. */
  epochEnds: z.literal(true).optional(),
  /** Folder of this run, for its states. Exists before the run starts. */
  runDir: z.string(),
  /** Where the finished adapter folder (or, for `full`, the model folder) goes; must not exist yet. */
  outDir: z.string(),
  /** The warm-up ends before the run does; absent in runs of before, which keep the learning rates they began with. */
  shortWarmup: z.boolean().optional(),
  /** DoRA's magnitudes decay; absent in runs of before, which go on without. */
  magnitudesDecay: z.boolean().optional(),
  /**
   * The run goes on from another one, rolled back or trained further: up to `step` it is the run `runId`, whose rows
   * may have been others.
   */
  rolledBack: z.object({ runId: z.string(), step: z.number().int().min(0) }).optional(),
});
export type RunSpec = z.infer<typeof runSpecSchema>;
