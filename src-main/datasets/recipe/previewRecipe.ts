/** What a recipe would do: counts, the first rows before and after, and the personal data that the rows hold. */
import { PERSONAL_KINDS, type PersonalReport, type Recipe, type RecipePreview } from '../../../src-shared/recipes.ts';
import type { IndexedRow, RowIndex } from '../rowIndex.ts';
import type { TextTokenizer } from '../tokenizer.ts';
import { carryOut, type TracedRow } from './carryOut.ts';
import { findPersonal, noPersonal } from './personal.ts';
import { mapTexts, textOf, type Values } from './texts.ts';

/** Rows that a preview looks at, in blocks from all over a longer file. */
const MOST_ROWS = 10_000;
const BLOCK_ROWS = 100;
const SHOWN_ROWS = 12;
const SHOWN_COLUMNS = 6;
const CELL_CHARS = 600;
const MOST_EXAMPLES = 8;
const AROUND_CHARS = 30;

/** Throws what carryOut throws. */
export async function previewRecipe(
  recipe: Recipe,
  index: RowIndex,
  { dir, tokenizer, onRow }: { dir: string; tokenizer: TextTokenizer | undefined; onRow: () => void },
): Promise<RecipePreview> {
  const { columns, count } = index;
  const personal: PersonalReport = { counts: noPersonal(), rows: 0, examples: [] };
  const rows = sampled(index, (row) => notePersonal(personal, row));
  const source = { rows, count, columns, dir, tokenizer, onRow, traced: SHOWN_ROWS };
  const carried = await carryOut(recipe, source);
  carried.scratch.close();
  const shown = columns.slice(0, SHOWN_COLUMNS);
  return {
    report: carried.report,
    columns: [...shown],
    rows: carried.traced.map((trace) => shownRow(trace, shown)),
    personal,
    total: count,
  };
}

/** All rows of a file, or as many as are looked at, spread over it and beginning with the first. */
async function* sampled(index: RowIndex, onRow: (row: IndexedRow) => void): AsyncGenerator<IndexedRow> {
  const blocks = MOST_ROWS / BLOCK_ROWS;
  const apart = Math.max(BLOCK_ROWS, index.count / blocks);
  for (let block = 0; block * apart < index.count && block < blocks; block++) {
    // One after the other: together, long ones would not fit in memory.
    const from = Math.floor(block * apart);
    const to = Math.min(from + BLOCK_ROWS, index.count);
    for (let number = from; number < to; number++) {
      const row = index.row(number);
      onRow(row);
      yield row;
    }
  }
}

function notePersonal(report: PersonalReport, { line, values }: IndexedRow): void {
  let isHere = false;
  mapTexts(values, (text, column) => {
    for (const { kind, start, end } of findPersonal(text, ALL_KINDS)) {
      isHere = true;
      report.counts[kind]++;
      if (report.examples.length < MOST_EXAMPLES)
        report.examples.push({
          line,
          column,
          kind,
          before: text.slice(Math.max(0, start - AROUND_CHARS), start),
          found: text.slice(start, end),
          after: text.slice(end, end + AROUND_CHARS),
        });
    }
    return text;
  });
  if (isHere) report.rows++;
}

const ALL_KINDS = new Set(PERSONAL_KINDS);

function shownRow({ row, items, leftOutBy }: TracedRow, columns: readonly string[]): RecipePreview['rows'][number] {
  const cells = (values: Values): string[] => columns.map((column) => cut(textOf(values[column])));
  return { line: row.line, before: cells(row.values), after: items.map(({ values }) => cells(values)), leftOutBy };
}

function cut(text: string): string {
  return text.length > CELL_CHARS ? `${text.slice(0, CELL_CHARS)}…` : text;
}
