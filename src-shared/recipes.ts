/**
 * A recipe: steps that make rows worth training on out of the rows of a dataset. A step that is absent, or not `on`,
 * does nothing. The order of the steps is fixed, whatever the order in the JSON: RECIPE_STEPS.
 */
import { z } from 'zod';

/** In the order in which they work. */
export const RECIPE_STEPS = [
  'leaveOut',
  'trim',
  'values',
  'filter',
  'mask',
  'length',
  'duplicates',
  'nearDuplicates',
  'balance',
  'sample',
] as const;
export type RecipeStep = (typeof RECIPE_STEPS)[number];

/** What the steps are called. */
export const STEP_TITLES: Record<RecipeStep, string> = {
  leaveOut: 'Leave out single rows',
  trim: 'Trim white space',
  values: 'Replace values',
  filter: 'Filter rows',
  mask: 'Mask personal data',
  length: 'Limit the length',
  duplicates: 'Leave out repeated rows',
  nearDuplicates: 'Leave out near-duplicates',
  balance: 'Balance the values of a column',
  sample: 'Take a random sample',
};

export const CONDITION_KINDS = [
  'is',
  'isNot',
  'contains',
  'containsNot',
  'matches',
  'matchesNot',
  'longerThan',
  'shorterThan',
  'empty',
  'notEmpty',
  'greaterThan',
  'lessThan',
] as const;
export type ConditionKind = (typeof CONDITION_KINDS)[number];

/** Conditions that compare with a number: of characters, or the cell's own. */
export const NUMBER_CONDITIONS: readonly ConditionKind[] = ['longerThan', 'shorterThan', 'greaterThan', 'lessThan'];
/** Conditions that compare with nothing. */
export const BARE_CONDITIONS: readonly ConditionKind[] = ['empty', 'notEmpty'];

export const PERSONAL_KINDS = ['email', 'phone', 'iban', 'creditCard', 'ip'] as const;
export type PersonalKind = (typeof PERSONAL_KINDS)[number];

/** What stands in place of personal data. */
export const PERSONAL_TOKENS: Record<PersonalKind, string> = {
  email: '[EMAIL]',
  phone: '[PHONE]',
  iban: '[IBAN]',
  creditCard: '[CREDIT_CARD]',
  ip: '[IP]',
};

const on = z.boolean().default(true);
const column = z.string().min(1).max(1000);
const seed = z.number().int().min(0).max(0xffffffff).default(0);

const conditionSchema = z
  .strictObject({ column, is: z.enum(CONDITION_KINDS), value: z.string().max(10_000).default('') })
  .refine(({ is, value }) => !NUMBER_CONDITIONS.includes(is) || numberIn(value) !== undefined, {
    message: 'the value of longerThan, shorterThan, greaterThan and lessThan is a number',
  });
export type Condition = z.output<typeof conditionSchema>;

export const recipeSchema = z.strictObject({
  /** Rows by their numbers in the version that the recipe starts from, from 0; `to` not included. */
  leaveOut: z
    .strictObject({ on, rows: z.array(z.tuple([z.number().int().min(0), z.number().int().min(1)])).max(100_000) })
    .optional(),
  /** White space around each text; `inner`: also runs of spaces and empty lines within. */
  trim: z.strictObject({ on, inner: z.boolean().default(false) }).optional(),
  /** Cells of a column that are exactly `from` become `to`. */
  values: z
    .strictObject({
      on,
      columns: z
        .array(
          z.strictObject({
            column,
            map: z.array(z.strictObject({ from: z.string(), to: z.string() })).max(10_000),
          }),
        )
        .max(100),
    })
    .optional(),
  /** Rows that meet all (or any) of the conditions are kept. */
  filter: z
    .strictObject({ on, join: z.enum(['all', 'any']).default('all'), conditions: z.array(conditionSchema).max(100) })
    .optional(),
  /** Personal data becomes a token such as [EMAIL]. */
  mask: z.strictObject({ on, kinds: z.array(z.enum(PERSONAL_KINDS)).default([...PERSONAL_KINDS]) }).optional(),
  /** Rows longer than `most` are left out, or the text of `column` is cut into pieces, a row each. */
  length: z
    .strictObject({
      on,
      unit: z.enum(['characters', 'tokens']).default('characters'),
      most: z.number().int().min(16).max(10_000_000),
      then: z.enum(['leaveOut', 'cut']).default('leaveOut'),
      /** Absent: all texts of the row together. Needed for `cut`. */
      column: column.optional(),
    })
    .refine((length) => length.then !== 'cut' || length.column !== undefined, {
      message: 'cutting needs the column whose text is cut',
    })
    .optional(),
  /** Rows with the same texts (but for space around them) as an earlier one are left out. Without columns: all. */
  duplicates: z.strictObject({ on, columns: z.array(column).default([]) }).optional(),
  /** Rows whose n-grams have at least this Jaccard similarity to those of an earlier one are left out. */
  nearDuplicates: z
    .strictObject({
      on,
      threshold: z.number().min(0.5).max(1).default(0.8),
      unit: z.enum(['words', 'characters']).default('words'),
      /** Words or characters of an n-gram. */
      size: z.number().int().min(1).max(20).default(3),
      columns: z.array(column).default([]),
    })
    .optional(),
  /** At most so many rows of each value of a column, chosen at random. */
  balance: z.strictObject({ on, column, most: z.number().int().min(1), seed }).optional(),
  /** So many rows, chosen at random; they keep their order. */
  sample: z.strictObject({ on, rows: z.number().int().min(1), seed }).optional(),
});
export type Recipe = z.output<typeof recipeSchema>;
export type RecipeInput = z.input<typeof recipeSchema>;

/** What a step did. Without what a step left out and with what it added, its rows are those of the next step. */
export interface StepReport {
  step: RecipeStep;
  /** Rows that came to it. */
  rows: number;
  leftOut: number;
  changed: number;
  /** Rows more than before, where one was cut into pieces. */
  added: number;
}

export interface RecipeReport {
  /** Rows of the source, and rows that are left. */
  rows: number;
  kept: number;
  /** Of the steps that are on, in their order. */
  steps: StepReport[];
  /** What `mask` has replaced. */
  masked: Record<PersonalKind, number>;
}

/** How a version was made by a recipe. */
export interface Preparation {
  /** Number of the version that it was made from. */
  from: number;
  recipe: Recipe;
  report: RecipeReport;
  /** Name of the model whose tokens were counted. */
  model?: string;
}

interface PersonalExample {
  line: number;
  column: string;
  kind: PersonalKind;
  /** Some text around what was found. */
  before: string;
  found: string;
  after: string;
}

export interface PersonalReport {
  counts: Record<PersonalKind, number>;
  /** Rows with any of them. */
  rows: number;
  /** The first of them. */
  examples: PersonalExample[];
}

/** A row of the source and what becomes of it. */
export interface PreviewedRecipeRow {
  line: number;
  before: string[];
  /** What is written: nothing, a row, or several pieces. */
  after: string[][];
  /** The step that leaves it out, where nothing is written. */
  leftOutBy: RecipeStep | null;
}

export interface RecipePreview {
  report: RecipeReport;
  columns: string[];
  rows: PreviewedRecipeRow[];
  personal: PersonalReport;
  /** Rows of the whole file; a preview of a long one looks at `report.rows` of them only. */
  total: number;
}

/** Different values of a column, the most frequent first. */
export interface DistinctValues {
  values: { value: string; count: number }[];
  /** How many different ones there are; counting ends after `MOST_DISTINCT`. */
  distinct: number;
  complete: boolean;
}

/** The mean loss of a row's learnt tokens under a base model. */
export interface RowLoss {
  /** Number of the row in its version, from 0. */
  index: number;
  line: number;
  loss: number;
  /** Tokens that carry it. */
  tokens: number;
}

/** Told while losses are measured, and once at the end: the rows with the highest, the highest first. */
export type LossEvent =
  { done: number; total: number } | { measured: number; median: number; highest: (RowLoss & { text: string })[] };

/** Told while a recipe is carried out, and once when it is done. */
export type PrepareEvent = { done: number; total: number } | { version: number; report: RecipeReport };

/** A number as people write it, with a point or a comma before its decimals; undefined for anything else. */
export function numberIn(text: string): number | undefined {
  const plain = text.trim().replace(/^([+-]?\d+),(\d+)$/, '$1.$2');
  const value = Number(plain);
  return plain === '' || !Number.isFinite(value) ? undefined : value;
}

export function isStepOn(recipe: Recipe, step: RecipeStep): boolean {
  return recipe[step]?.on === true;
}
