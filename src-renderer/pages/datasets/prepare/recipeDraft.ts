/** A recipe as its form holds it: every step with its settings, on or off. */
import {
  PERSONAL_KINDS,
  type Condition,
  type PersonalKind,
  type Recipe,
  type RecipeInput,
} from '../../../../src-shared/recipes.ts';

export interface RecipeDraft {
  /** Comes with a recipe that was opened; the form only switches it. */
  leaveOut: { on: boolean; rows: [number, number][] };
  trim: { on: boolean; inner: boolean };
  values: { on: boolean; columns: { column: string; map: Record<string, string> }[] };
  filter: { on: boolean; join: 'all' | 'any'; conditions: Condition[] };
  mask: { on: boolean; kinds: PersonalKind[] };
  length: {
    on: boolean;
    unit: 'characters' | 'tokens';
    most: number | undefined;
    then: 'leaveOut' | 'cut';
    column: string;
  };
  duplicates: { on: boolean; columns: string[] };
  nearDuplicates: {
    on: boolean;
    threshold: number;
    unit: 'words' | 'characters';
    size: number | undefined;
    columns: string[];
  };
  balance: { on: boolean; column: string; most: number | undefined; seed: number | undefined };
  sample: { on: boolean; rows: number | undefined; seed: number | undefined };
}

export function emptyDraft(): RecipeDraft {
  return {
    leaveOut: { on: false, rows: [] },
    trim: { on: false, inner: false },
    values: { on: false, columns: [] },
    filter: { on: false, join: 'all', conditions: [] },
    mask: { on: false, kinds: [...PERSONAL_KINDS] },
    length: { on: false, unit: 'characters', most: 4000, then: 'leaveOut', column: '' },
    duplicates: { on: false, columns: [] },
    nearDuplicates: { on: false, threshold: 0.8, unit: 'words', size: 3, columns: [] },
    balance: { on: false, column: '', most: 1000, seed: 0 },
    sample: { on: false, rows: 1000, seed: 0 },
  };
}

/** The form of a recipe that was saved. */
export function draftOf(recipe: Recipe): RecipeDraft {
  const draft = emptyDraft();
  const { values, length, ...plain } = recipe;
  Object.assign(draft, plain);
  if (length) draft.length = { ...length, column: length.column ?? '' };
  if (values)
    draft.values = {
      on: values.on,
      columns: values.columns.map(({ column, map }) => ({
        column,
        map: Object.fromEntries(map.map(({ from, to }) => [from, to])),
      })),
    };
  return draft;
}

/** The steps that are on and have all they need. Cells that stay as they are, and choices not made yet, are not. */
export function recipeOf(draft: RecipeDraft): RecipeInput {
  const { leaveOut, trim, values, filter, mask, length, duplicates, nearDuplicates, balance, sample } = draft;
  const { most: longest, column } = length;
  const { size } = nearDuplicates;
  const { most: ofEach } = balance;
  const { rows } = sample;
  const isCut = length.then === 'cut' && column === '';
  return {
    ...(leaveOut.on ? { leaveOut } : {}),
    ...(trim.on ? { trim } : {}),
    ...(values.on ? { values: { columns: values.columns.map(listed).filter(({ map }) => map.length > 0) } } : {}),
    ...(filter.on ? { filter: { join: filter.join, conditions: filter.conditions.filter(isWhole) } } : {}),
    ...(mask.on ? { mask: { kinds: mask.kinds } } : {}),
    ...(length.on && isCount(longest, 16) && !isCut
      ? { length: { unit: length.unit, most: longest, then: length.then, ...(column === '' ? {} : { column }) } }
      : {}),
    ...(duplicates.on ? { duplicates: { columns: duplicates.columns } } : {}),
    ...(nearDuplicates.on && isCount(size) ? { nearDuplicates: { ...nearDuplicates, size: Math.min(size, 20) } } : {}),
    ...(balance.on && balance.column !== '' && isCount(ofEach)
      ? { balance: { column: balance.column, most: ofEach, seed: seedOf(balance.seed) } }
      : {}),
    ...(sample.on && isCount(rows) ? { sample: { rows, seed: seedOf(sample.seed) } } : {}),
  };
}

/** Whether any step would do something. */
export function isEmpty(recipe: RecipeInput): boolean {
  return Object.keys(recipe).length === 0;
}

function listed({ column, map }: RecipeDraft['values']['columns'][number]) {
  return { column, map: Object.entries(map).flatMap(([from, to]) => (from === to ? [] : [{ from, to }])) };
}

const NUMERIC = /^\s*[+-]?\d+([.,]\d+)?\s*$/;

function isWhole({ column, is, value }: Condition): boolean {
  if (column === '') return false;
  if (is === 'empty' || is === 'notEmpty') return true;
  if (is === 'longerThan' || is === 'shorterThan' || is === 'greaterThan' || is === 'lessThan')
    return NUMERIC.test(value);
  return value !== '' || is === 'is' || is === 'isNot';
}

function isCount(value: number | undefined | null, least = 1): value is number {
  return typeof value === 'number' && Number.isInteger(value) && value >= least;
}

function seedOf(seed: number | undefined | null): number {
  return isCount(seed, 0) ? Math.min(seed, 0xffffffff) : 0;
}
