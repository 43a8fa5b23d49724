/** The texts of a row: its cells that are text, and texts within lists and objects, as the content of messages. */
import { cellText } from '../rowIndex.ts';

export type Values = Record<string, unknown>;

/** The row with each text changed; the very same object where nothing has changed. */
export function mapTexts(values: Values, change: (text: string, column: string) => string): Values {
  let changed: Values | undefined;
  for (const [column, value] of Object.entries(values)) {
    const next = mapped(value, (text) => change(text, column));
    if (next !== value) (changed ??= { ...values })[column] = next;
  }
  return changed ?? values;
}

/** `value` itself where no text in it changes. */
function mapped(value: unknown, change: (text: string) => string): unknown {
  if (typeof value === 'string') return change(value);
  if (typeof value !== 'object' || value === null) return value;
  const own: object = value;
  const entries = Object.entries(own).map(([key, one]: [string, unknown]) => [key, mapped(one, change)] as const);
  if (entries.every(([key, one]) => Reflect.get(own, key) === one)) return value;
  return Array.isArray(value) ? entries.map(([, one]) => one) : Object.fromEntries(entries);
}

/** A cell as text; null is empty. */
export function textOf(value: unknown): string {
  return value === null ? '' : cellText(value);
}

/** Texts of these columns, of all where none is named. */
export function textsOf(values: Values, columns: readonly string[]): string[] {
  const named = columns.length > 0 ? columns.map((column) => values[column]) : Object.values(values);
  return named.map(textOf);
}
