/**
 * Finds out what the columns of a file mean, and turns each row into an example. The shape is one for the whole file:
 * prompt and completion, Alpaca's instruction/input/output, a conversation, or plain text.
 */
import { GraftError, usageError } from '../../src-shared/errors.ts';
import { parseMessages } from './messages.ts';
import { describeValue } from './readers/jsonRow.ts';
import type { BadRow, ColumnMap, ColumnPlan, DatasetKind, Example, Segment } from '../../src-shared/datasets.ts';
import type { RawRow } from './types.ts';

interface Field {
  /** Its own name first, then other names that mean the same in this shape. */
  names: [own: string, ...others: string[]];
  optional?: boolean;
}

/** In order of preference: Alpaca files often carry a rendered `text` or `prompt` as well. */
const SHAPES: { kind: DatasetKind; fields: Field[] }[] = [
  { kind: 'messages', fields: [{ names: ['messages', 'conversations'] }] },
  {
    kind: 'alpaca',
    fields: [{ names: ['instruction'] }, { names: ['input'], optional: true }, { names: ['output', 'response'] }],
  },
  { kind: 'completion', fields: [{ names: ['prompt'] }, { names: ['completion', 'response', 'output'] }] },
  { kind: 'text', fields: [{ names: ['text'] }, { names: ['label'], optional: true }] },
];

/** What a user can map columns onto: the fields of each shape under their own names. */
export const DATASET_SHAPES: readonly { kind: DatasetKind; fields: { name: string; optional: boolean }[] }[] =
  SHAPES.map(({ kind, fields }) => ({
    kind,
    fields: fields.map(({ names, optional }) => ({ name: names[0], optional: optional === true })),
  }));

const KNOWN = [...new Set(SHAPES.flatMap((shape) => shape.fields.flatMap((field) => field.names)))];

/**
 * The shape of a file from its column names. `map` names columns that are called otherwise and decides the shape
 * where several fit. Throws GraftError MAP_NAME_UNKNOWN, MAP_COLUMN_UNKNOWN or DATASET_COLUMNS.
 */
export function planColumns(file: string, columns: readonly string[], map: ColumnMap = {}): ColumnPlan {
  const found = columns.length > 0 ? columns.join(', ') : 'none';
  for (const [wanted, column] of Object.entries(map)) {
    if (!KNOWN.includes(wanted))
      throw usageError(
        'MAP_NAME_UNKNOWN',
        `"${wanted}" is no column that Graft knows; map onto one of ${KNOWN.join(', ')}.`,
        { wanted, known: KNOWN },
      );
    if (!columns.includes(column)) {
      throw usageError(
        'MAP_COLUMN_UNKNOWN',
        `${file} has no column "${column}" to use as ${wanted}; its columns are: ${found}.`,
        { file, column, columns },
      );
    }
  }
  for (const shape of SHAPES) {
    const plan = fit(shape.fields, columns, map);
    if (plan) return { kind: shape.kind, columns: plan };
  }
  throw new GraftError(
    'DATASET_COLUMNS',
    `${file} has the columns ${found}, but training needs prompt and completion, instruction and output, ` +
      'messages, or text; say which column is which with --map, for example --map ' +
      `prompt=${columns[0] ?? 'question'}.`,
    { file, columns },
  );
}

function fit(fields: Field[], columns: readonly string[], map: ColumnMap): Record<string, string> | undefined {
  const names = fields.flatMap((field) => field.names);
  if (!Object.keys(map).every((wanted) => names.includes(wanted))) return undefined;
  const plan: Record<string, string> = {};
  for (const field of fields) {
    const mapped = field.names.find((name) => map[name] !== undefined);
    const column = mapped === undefined ? field.names.find((name) => columns.includes(name)) : map[mapped];
    if (column !== undefined) plan[field.names[0]] = column;
    else if (!field.optional) return undefined;
  }
  return plan;
}

/** The example of a row, or the reason why it cannot be used. */
export function toExample(row: RawRow, plan: ColumnPlan): Example | BadRow {
  const { line } = row;
  if (plan.kind === 'messages') {
    const column = plan.columns['messages'] ?? 'messages';
    const parsed =
      column in row.values ? parseMessages(row.values[column], column) : { reason: `"${column}" is missing` };
    return { line, ...parsed };
  }
  const texts: Record<string, string> = {};
  const label = plan.kind === 'text' ? labelOf(row.values[plan.columns['label'] ?? '']) : undefined;
  for (const [field, column] of Object.entries(plan.columns)) {
    if (field === 'label') continue;
    const optional = field === 'input';
    const value = row.values[column];
    if (optional && (value === undefined || value === null)) continue;
    if (!Object.hasOwn(row.values, column)) return { line, reason: `"${column}" is missing` };
    if (typeof value !== 'string') return { line, reason: `"${column}" is ${describeValue(value)}, not text` };
    if (!optional && value.trim() === '') return { line, reason: `"${column}" is empty` };
    texts[field] = value;
  }
  return { line, segments: segmentsOf(plan.kind, texts), ...(label === undefined ? {} : { label }) };
}

/** Labels are names or numbers; anything else is none. */
function labelOf(value: unknown): string | undefined {
  if (typeof value === 'number' || typeof value === 'boolean') return String(value);
  return typeof value === 'string' && value.trim() !== '' ? value.trim() : undefined;
}

/** `texts`: the fields of the row, of which toExample has found all that the kind demands. */
function segmentsOf(kind: DatasetKind, texts: Record<string, string>): Segment[] {
  const { text = '', instruction = '', input, output = '', prompt = '', completion = '' } = texts;
  if (kind === 'text') return [{ text, loss: true }];
  const [asked, answer] = kind === 'alpaca' ? [alpacaPrompt(instruction, input), output] : [prompt, completion];
  return [
    { text: asked, loss: false },
    { text: answer, loss: true },
  ];
}

/** The prompt of Stanford Alpaca (Taori et al. 2023); a prompt in the playground must have the same form. */
function alpacaPrompt(instruction: string, input = ''): string {
  const hasInput = input.trim() !== '';
  const context = hasInput ? ', paired with an input that provides further context' : '';
  const inputPart = hasInput ? `### Input:\n${input}\n\n` : '';
  return (
    `Below is an instruction that describes a task${context}. Write a response that appropriately completes the ` +
    `request.\n\n### Instruction:\n${instruction}\n\n${inputPart}### Response:\n`
  );
}
