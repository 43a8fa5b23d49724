/** Values of a row as text in fields, and back: texts as they are, everything else as JSON. */
import type { RowValues } from './rowEdits.ts';

export interface RowField {
  column: string;
  text: string;
  /** Written as JSON: a list of messages, a number, null. */
  isJson: boolean;
}

/** One field per column, those that the row lacks empty. */
export function fieldsOf(values: RowValues, columns: readonly string[]): RowField[] {
  return [...new Set([...columns, ...Object.keys(values)])].map((column) => {
    const value = values[column];
    const isJson = value !== undefined && typeof value !== 'string';
    return { column, text: isJson ? JSON.stringify(value, null, 2) : (value ?? ''), isJson };
  });
}

/** The values, or the column whose JSON cannot be read. An empty field of a column that the row lacked stays away. */
export function valuesOf(fields: readonly RowField[], before: RowValues): { values: RowValues } | { column: string } {
  const values: RowValues = {};
  for (const { column, text, isJson } of fields) {
    if (!isJson && text === '' && !Object.hasOwn(before, column)) continue;
    if (!isJson) {
      values[column] = text;
      continue;
    }
    try {
      values[column] = JSON.parse(text);
    } catch {
      return { column };
    }
  }
  return { values };
}

/** A value in one line of a table. */
export function cellOf(value: unknown): string {
  const text = typeof value === 'string' ? value : value === undefined ? '' : JSON.stringify(value);
  return text.length > 240 ? `${text.slice(0, 240)}…` : text;
}
