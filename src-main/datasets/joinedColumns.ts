/**
 * Several columns as one text, by a template such as `{Subject}\n\n{Text}`. A file's rows then seem to have one more
 * column, whose name is the template.
 */
import type { RawRow } from './types.ts';

type Values = RawRow['values'];
type Part = { text: string } | { column: string };

/** A column in braces; a brace itself is written twice. */
const PLACE = /\{\{|\}\}|\{([^{}]+)\}|\\n|\\t|[^{}\\]+|./gsu;
const WRITTEN: Record<string, string> = { '{{': '{', '}}': '}', '\\n': '\n', '\\t': '\t' };

const MOST_PARSED = 50;
const parsed = new Map<string, Part[]>();

/** Whether what a field is mapped onto is a template, where no column has that name. */
export function isJoin(mapped: string): boolean {
  return columnsIn(mapped).length > 0;
}

/** Names of the columns that a template puts together, each once. */
export function columnsIn(template: string): string[] {
  return [...new Set(partsOf(template).flatMap((part) => ('column' in part ? [part.column] : [])))];
}

/**
 * The text of a row; what has no text, such as null, is left out. Where a value is a list or an object it is one, to be
 * refused like any column that is no text.
 */
export function joined(template: string, values: Values): unknown {
  let text = '';
  let isFilled = false;
  for (const part of partsOf(template)) {
    if ('text' in part) {
      text += part.text;
      continue;
    }
    const value = Object.hasOwn(values, part.column) ? values[part.column] : undefined;
    if (typeof value === 'object' && value !== null) return { [part.column]: value };
    const own = value === null || value === undefined ? '' : String(value as string | number | boolean | bigint).trim();
    isFilled ||= own !== '';
    text += own;
  }
  // Words of the template alone are no question.
  return isFilled ? text.trim() : '';
}

/** The row with a column more for each template. */
export function withJoins<Row extends Pick<RawRow, 'values'>>(row: Row, templates: readonly string[]): Row {
  const own = templates.map((template) => [template, joined(template, row.values)] as const);
  return { ...row, values: { ...row.values, ...Object.fromEntries(own) } };
}

function partsOf(template: string): Part[] {
  let parts = parsed.get(template);
  if (!parts) {
    parts = [...template.matchAll(PLACE)].map(([found, column]): Part =>
      column === undefined ? { text: WRITTEN[found] ?? found } : { column },
    );
    // One that somebody is typing is another one at every key.
    if (parsed.size >= MOST_PARSED) parsed.clear();
    parsed.set(template, parts);
  }
  return parts;
}
