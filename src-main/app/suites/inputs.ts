/** What callers send about suites. */
import { z } from 'zod';
import { BASE_DTYPES, EMBEDDING_DTYPES } from '../../../src-shared/baseDtypes.ts';
import { BACKENDS } from '../../../src-shared/backends.ts';
import { CHOSEN_METRICS, SUITE_METRICS, SUITE_TASKS, type SuiteMetric } from '../../../src-shared/suiteMetrics.ts';
import { MOST_QUESTIONS, suiteGenerationSchema, suiteRowsSchema } from '../../../src-shared/suites.ts';
import { nameSchema } from '../inputs.ts';

const datasetSchema = z.object({ datasetId: z.string(), version: z.number().int().min(1).optional() });

export const addSuiteSchema = z.object({
  name: nameSchema,
  /** May be left out where the rows are those of a run. */
  dataset: datasetSchema.optional(),
  rows: suiteRowsSchema.default({ kind: 'all' }),
  task: z.enum(SUITE_TASKS).default('answer'),
  /** Absent: what suits the answers of the data. */
  metrics: z
    .array(z.enum(CHOSEN_METRICS as [SuiteMetric, ...SuiteMetric[]]))
    .min(1)
    .optional(),
  pattern: z.string().min(1).optional(),
  schema: z.string().min(1).max(100_000).optional(),
  /** Column with a list of choices; absent: the answers of all questions are the choices of each. */
  choicesColumn: z.string().min(1).optional(),
  generation: suiteGenerationSchema.prefault({}),
  /** Rows of another dataset on which only the loss is measured, to see what was forgotten. */
  general: datasetSchema.extend({ count: z.number().int().min(1).max(MOST_QUESTIONS).default(200) }).optional(),
});
export type AddSuite = z.output<typeof addSuiteSchema>;

export const runSuiteSchema = z.object({
  id: z.string(),
  subjects: z
    .array(z.object({ modelId: z.string().optional(), adapterId: z.string().nullable() }))
    .min(1)
    .max(20),
  engine: z.enum(['auto', ...BACKENDS]).default('auto'),
  baseDtype: z.enum(BASE_DTYPES).optional(),
  embeddingDtype: z.enum(EMBEDDING_DTYPES).optional(),
});
export type RunSuite = z.output<typeof runSuiteSchema>;

export const compareSuiteSchema = z.object({
  id: z.string(),
  /** Adapters, or models for plain bases; the others are compared with the first. Absent: all that have results. */
  subjectIds: z.array(z.string()).min(1).optional(),
  /** By which differing rows are sorted. */
  rowMetric: z.enum(Object.keys(SUITE_METRICS) as [SuiteMetric, ...SuiteMetric[]]).optional(),
  /** Leaves out the questions that one of the subjects was trained on. */
  clean: z.boolean().default(false),
  /** Differing rows that are told. */
  mostRows: z.number().int().min(0).max(MOST_QUESTIONS).default(100),
});
export type CompareSuite = z.input<typeof compareSuiteSchema>;
