/** One JSON text as a row; what JSONL lines and the elements of a JSON list have in common. */
import { isObject } from '../tokenizerFiles.ts';

/** Characters of one row in its file; a longer one is passed over, so that it is never in memory whole. */
export const MOST_ROW_CHARS = 2 ** 26;
export const TOO_LONG = `longer than ${MOST_ROW_CHARS / 2 ** 20} MiB, which no row of a dataset is`;

/** Lists and objects within each other in one row. */
const MOST_DEPTH = 64;

/** The row's columns, or a reason why it is none. Positions are told relative to `startLine`. */
export function parseJsonRow(
  text: string,
  startLine: number,
): { values: Record<string, unknown> } | { reason: string } {
  let value: unknown;
  try {
    value = JSON.parse(text);
  } catch (error) {
    return {
      reason: `not valid JSON: ${explain(error instanceof Error ? error.message : String(error), text, startLine)}`,
    };
  }
  if (isObject(value))
    return isDeeper(value, MOST_DEPTH)
      ? { reason: `nested more than ${MOST_DEPTH} deep, which no row of a dataset is` }
      : { values: value };
  return { reason: `not a JSON object but ${describeValue(value)}` };
}

function isDeeper(value: unknown, left: number): boolean {
  if (typeof value !== 'object' || value === null) return false;
  if (left === 0) return true;
  for (const key in value) if (isDeeper((value as Record<string, unknown>)[key], left - 1)) return true;
  return false;
}

/** `a list`, `a number`, `null`, for messages about wrong types. */
export function describeValue(value: unknown): string {
  if (value === null) return 'null';
  if (Array.isArray(value)) return 'a list';
  if (value === undefined) return 'nothing';
  return typeof value === 'string' ? 'text' : typeof value === 'object' ? 'an object' : `a ${typeof value}`;
}

/** V8 counts from the start of the row; the user looks at lines and columns of the file. */
function explain(message: string, text: string, startLine: number): string {
  const found = /^(.*?)(?: in JSON)? at position (\d+)/s.exec(message);
  if (!found) return message.replace(' of JSON input', '; the row is cut off').replace(' is not valid JSON', '');
  const before = text.slice(0, Number(found[2]));
  const lineStart = before.lastIndexOf('\n') + 1;
  const line = startLine + before.split('\n').length - 1;
  const column = before.length - lineStart + 1;
  return `${found[1]} at ${line === startLine ? '' : `line ${line}, `}column ${column}`;
}
