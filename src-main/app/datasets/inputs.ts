/** How callers name rows to look at, and what they send about datasets. */
import { z } from 'zod';
import type { RowRange } from '../../datasets/editRows.ts';
import { documentRowsSchema } from '../../../src-shared/documents.ts';
import { dataSpecSchema } from '../../../src-shared/runSpec.ts';
import { recipeSchema } from '../../../src-shared/recipes.ts';
import { byId, nameSchema } from '../inputs.ts';

/** A file with its reading rules. */
const readingSchema = z.object({
  file: z.string().min(1),
  format: dataSpecSchema.shape.format,
  part: dataSpecSchema.shape.part,
  noHeader: dataSpecSchema.shape.noHeader,
  map: dataSpecSchema.shape.map,
});

/** The current version, or the one that is named. */
export const versionSchema = byId.extend({ version: z.number().int().min(1).optional() });

/** A version of a registered dataset, or a file; `map` may overrule how a dataset's columns are read. */
export const sourceSchema = z.object({
  id: z.string().optional(),
  version: z.number().int().min(1).optional(),
  file: z.string().min(1).optional(),
  format: dataSpecSchema.shape.format,
  part: dataSpecSchema.shape.part,
  noHeader: dataSpecSchema.shape.noHeader,
  map: z.record(z.string(), z.string()).optional(),
});
export type Source = z.output<typeof sourceSchema>;

const windowSchema = z.object({
  offset: z.number().int().min(0).default(0),
  count: z.number().int().min(1).max(500).default(100),
});
export const sourceWindowSchema = sourceSchema.extend(windowSchema.shape);
export type SourceWindow = z.output<typeof sourceWindowSchema>;

export const filteredSchema = sourceSchema.extend({ filter: z.string().max(1000).default('') });
export type Filtered = z.output<typeof filteredSchema>;
export const filteredWindowSchema = filteredSchema.extend(windowSchema.shape);

export const rowSchema = sourceSchema.extend({ index: z.number().int().min(0) });
export const checkRowSchema = sourceSchema.extend({ values: z.record(z.string(), z.unknown()) });
export const splitSchema = sourceSchema.extend({
  val: z.number().min(0).max(0.9),
  seed: z.number().int().default(0),
});

export const previewSchema = sourceSchema.extend({
  modelId: z.string(),
  maxLength: dataSpecSchema.shape.maxLength,
  lossOn: dataSpecSchema.shape.lossOn,
  controlTokens: dataSpecSchema.shape.controlTokens,
  promptTemplate: dataSpecSchema.shape.promptTemplate,
  offset: z.number().int().min(0).default(0),
  count: z.number().int().min(1).max(50).default(1),
});
/** Without a model, lengths are counted in characters. */
export const lengthsSchema = sourceSchema.extend({
  modelId: z.string().optional(),
  lossOn: dataSpecSchema.shape.lossOn,
  controlTokens: dataSpecSchema.shape.controlTokens,
  promptTemplate: dataSpecSchema.shape.promptTemplate,
});

export const checkSchema = readingSchema.extend({
  modelId: z.string().optional(),
  maxLength: dataSpecSchema.shape.maxLength.optional(),
  lossOn: dataSpecSchema.shape.lossOn.optional(),
  controlTokens: dataSpecSchema.shape.controlTokens,
});

export const addSchema = readingSchema.extend({
  name: nameSchema.optional(),
  allowBadRows: z.boolean().default(false),
});

export const setMapSchema = byId.extend({
  map: z.record(z.string(), z.string()),
  allowBadRows: z.boolean().default(false),
});

export const distinctSchema = sourceSchema.extend({ column: z.string().min(1) });

/** `modelId`: whose tokens the recipe counts. */
export const recipeOfSchema = versionSchema.extend({ recipe: recipeSchema, modelId: z.string().optional() });
export type RecipeOf = z.output<typeof recipeOfSchema>;

/** `rows`: so many at most, chosen at random. */
export const rowLossesSchema = versionSchema.extend({
  modelId: z.string(),
  rows: z.number().int().min(1).max(10_000).default(500),
});

const rowValues = z.record(z.string(), z.unknown());

const editsSchema = z.object({
  changed: z.array(z.object({ index: z.number().int().min(0), values: rowValues })).default([]),
  // One check for all: a filter may have found a hundred thousand ranges, too many for a schema each.
  removed: z
    .custom<RowRange[]>(areRanges, 'these are no ranges of row numbers, each as [from, to] with from < to')
    .default([]),
  added: z.array(rowValues).default([]),
});
export const saveVersionSchema = versionSchema.extend({ edits: editsSchema });

function areRanges(value: unknown): boolean {
  const isRange = (range: unknown): boolean =>
    Array.isArray(range) &&
    range.length === 2 &&
    range.every((end) => Number.isSafeInteger(end) && end >= 0) &&
    range[0] < range[1];
  return Array.isArray(value) && value.every(isRange);
}

export const convertSchema = z.intersection(
  z.object({ paths: z.array(z.string().min(1)).min(1).max(10_000) }),
  documentRowsSchema,
);

/** Characters of pasted text: more than a person copies, less than a page would choke on. */
const MOST_PASTED = 20_000_000;
export const pasteSchema = z.object({
  text: z.string().max(MOST_PASTED, 'is too long to paste; save it as a file'),
  asLines: z.boolean().default(false),
});
