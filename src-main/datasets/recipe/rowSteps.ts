/** The steps of a recipe that look at one row at a time: what each makes of it, or that it is left out. */
import { usageError } from '../../../src-shared/errors.ts';
import { type PersonalKind, type Recipe, type RecipeStep } from '../../../src-shared/recipes.ts';
import { rowsIn } from '../editRows.ts';
import type { TextTokenizer } from '../tokenizer.ts';
import { rowFilter } from './conditions.ts';
import { lengthOf, piecesOf } from './lengths.ts';
import { findPersonal, maskFound } from './personal.ts';
import { mapTexts, textOf, textsOf, type Values } from './texts.ts';

export interface RowSource {
  columns: readonly string[];
  /** Rows in all. */
  count: number;
  tokenizer?: TextTokenizer | undefined;
  /** Called for each piece of personal data that is masked. */
  onMasked: (kind: PersonalKind) => void;
}

interface NumberedValues {
  index: number;
  values: Values;
}

export interface RowWork {
  step: RecipeStep;
  /** The row as it was, changed, or in pieces; none where it is left out. */
  apply: (row: NumberedValues) => Values[];
}

/** The steps that are on, in their order. Throws a usage error BAD_INPUT for a column that does not exist. */
export function rowSteps(recipe: Recipe, source: RowSource): RowWork[] {
  const { leaveOut, trim, values, filter, mask, length } = recipe;
  const work: RowWork[] = [];
  const change = (step: RecipeStep, of: (values: Values) => Values): void =>
    void work.push({ step, apply: (row) => [of(row.values)] });
  const keep = (step: RecipeStep, test: (row: NumberedValues) => boolean): void =>
    void work.push({ step, apply: (row) => (test(row) ? [row.values] : []) });

  if (leaveOut?.on) {
    const removed = rowsIn(leaveOut.rows, source.count);
    keep('leaveOut', ({ index }) => removed[index] === 0);
  }
  if (trim?.on) change('trim', (row) => mapTexts(row, trim.inner ? tidied : (text) => text.trim()));
  if (values?.on) {
    requireColumns(values.columns, source.columns);
    const maps = values.columns.map(({ column, map }) => ({
      column,
      map: new Map(map.map(({ from, to }) => [from, to])),
    }));
    change('values', (row) => withValues(row, maps));
  }
  if (filter?.on) {
    requireColumns(filter.conditions, source.columns);
    const meets = rowFilter(filter);
    keep('filter', (row) => meets(row.values));
  }
  if (mask?.on) {
    const kinds = new Set(mask.kinds);
    const masked = (text: string): string => {
      const found = findPersonal(text, kinds);
      for (const { kind } of found) source.onMasked(kind);
      return found.length > 0 ? maskFound(text, found) : text;
    };
    change('mask', (row) => mapTexts(row, masked));
  }
  if (length?.on) work.push({ step: 'length', apply: lengthStep(length, source) });
  return work;
}

/** Throws a usage error BAD_INPUT. */
export function requireColumns(named: readonly { column: string }[], columns: readonly string[]): void {
  const missing = named.find(({ column }) => !columns.includes(column));
  if (missing)
    throw usageError(
      'BAD_INPUT',
      `The recipe names a column "${missing.column}", which these rows do not have; their columns are ` +
        `${columns.slice(0, 50).join(', ')}.`,
      { column: missing.column },
    );
}

function lengthStep(
  { unit, most, then, column }: NonNullable<Recipe['length']>,
  { columns, tokenizer }: RowSource,
): RowWork['apply'] {
  if (column !== undefined) requireColumns([{ column }], columns);
  if (unit === 'tokens' && !tokenizer)
    throw usageError('BAD_INPUT', 'The recipe counts tokens; choose the model whose tokens are meant.');
  const counting = unit === 'tokens' ? tokenizer : undefined;
  const fits = (values: Values): boolean => {
    const texts = textsOf(values, column === undefined ? [] : [column]);
    const sum = (of: (text: string) => number): number => texts.reduce((total, text) => total + of(text), 0);
    if (!counting) return sum((text) => text.length) <= most;
    // A token is a byte at least: what cannot be too long need not be tokenised.
    return sum((text) => 3 * text.length) <= most || sum((text) => lengthOf(text, counting)) <= most;
  };
  if (then === 'leaveOut' || column === undefined) return ({ values }) => (fits(values) ? [values] : []);
  return ({ values }) =>
    fits(values) || typeof values[column] !== 'string'
      ? [values]
      : piecesOf(values[column], most, counting).map((piece) => ({ ...values, [column]: piece }));
}

function withValues(row: Values, maps: { column: string; map: Map<string, string> }[]): Values {
  let changed: Values | undefined;
  for (const { column, map } of maps) {
    const to = map.get(textOf(row[column]));
    if (to !== undefined && to !== row[column]) (changed ??= { ...row })[column] = to;
  }
  return changed ?? row;
}

/** Runs of spaces as one, of empty lines as one, none at the end of a line. */
function tidied(text: string): string {
  return text
    .replace(/\r\n?/g, '\n')
    .replace(/[^\S\n]+/g, ' ')
    .replace(/ ?\n ?/g, '\n')
    .replace(/\n{3,}/g, '\n\n')
    .trim();
}
