/**
 * Finds out what the columns of a file mean. The shape is one for the whole file: prompt and completion, Alpaca's
 * instruction/input/output, a conversation, or plain text. examples.ts reads the rows by it.
 */
import { GraftError, usageError } from '../../src-shared/errors.ts';
import { columnsIn, isJoin } from './joinedColumns.ts';
import type { ColumnMap, ColumnPlan, DatasetKind } from '../../src-shared/datasets.ts';

interface Field {
  /** Its own name first, then other names that mean the same in this shape. */
  names: [own: string, ...others: string[]];
  optional?: boolean;
  /** Columns that are read as it, too, and that nobody maps anything onto. */
  readAs?: string[];
  /** Read where it is there, but nothing that a user maps a column onto. */
  unmapped?: boolean;
}

/** Descriptions of tools, for chat templates. */
const TOOLS: Field = { names: ['tools'], optional: true };
/** KTO's mark of a good or a bad answer. */
const GOOD: Field = { names: ['label', 'kto_tag'], optional: true, unmapped: true };

/** In order of preference: Alpaca files often carry a rendered `text` or `prompt` as well. */
const SHAPES: { kind: DatasetKind; fields: Field[] }[] = [
  {
    kind: 'preference',
    fields: [
      { names: ['prompt'], readAs: ['question', 'instruction', 'input'], optional: true },
      { names: ['chosen'], readAs: ['chosen_response'] },
      { names: ['rejected'], readAs: ['rejected_response'] },
      { names: ['system'], optional: true },
      TOOLS,
      { names: ['score_chosen', 'chosen_score'], optional: true, unmapped: true },
      { names: ['score_rejected', 'rejected_score'], optional: true, unmapped: true },
    ],
  },
  {
    kind: 'messages',
    fields: [{ names: ['messages', 'conversations'] }, { names: ['system'], optional: true }, TOOLS, GOOD],
  },
  {
    kind: 'alpaca',
    fields: [
      { names: ['instruction'] },
      { names: ['input'], optional: true },
      { names: ['output', 'response'] },
      { names: ['system'], optional: true },
      { names: ['history'], optional: true },
      GOOD,
    ],
  },
  {
    kind: 'completion',
    fields: [{ names: ['prompt'] }, { names: ['completion', 'response', 'output'] }, TOOLS, GOOD],
  },
  { kind: 'text', fields: [{ names: ['text'] }, { names: ['label'], optional: true }] },
];

/** What a user can map columns onto: the fields of each shape under their own names. */
export const DATASET_SHAPES: readonly { kind: DatasetKind; fields: { name: string; optional: boolean }[] }[] =
  SHAPES.map(({ kind, fields }) => ({
    kind,
    fields: fields
      .filter((field) => !field.unmapped)
      .map(({ names, optional }) => ({ name: names[0], optional: optional === true })),
  }));

const KNOWN = [
  ...new Set(SHAPES.flatMap((shape) => shape.fields.filter((field) => !field.unmapped).flatMap(({ names }) => names))),
  'label',
].filter((name, i, all) => all.indexOf(name) === i);

/** Whether a column of this name means something to training. */
export function isKnownColumn(name: string): boolean {
  return KNOWN.includes(name);
}

/**
 * The shape of a file from its column names. `map` names columns that are called otherwise and decides the shape
 * where several fit. Throws GraftError MAP_NAME_UNKNOWN, MAP_COLUMN_UNKNOWN or DATASET_COLUMNS.
 */
export function planColumns(file: string, columns: readonly string[], map: ColumnMap = {}): ColumnPlan {
  const found = namesOf(columns);
  for (const [wanted, column] of Object.entries(map)) {
    if (!KNOWN.includes(wanted))
      throw usageError(
        'MAP_NAME_UNKNOWN',
        `"${wanted}" is no column that Graft knows; map onto one of ${KNOWN.join(', ')}.`,
        { wanted, known: KNOWN },
      );
    if (columns.includes(column)) continue;
    const missing = isJoin(column) ? columnsIn(column).filter((one) => !columns.includes(one)) : [column];
    if (missing.length > 0) {
      throw usageError(
        'MAP_COLUMN_UNKNOWN',
        `${file} has no column "${missing.join('" and no column "')}" to use as ${wanted}; its columns are: ${found}.`,
        { file, column: missing[0], columns },
      );
    }
  }
  const joins = [...new Set(Object.values(map))].filter((column) => !columns.includes(column));
  for (const shape of SHAPES) {
    const plan = fit(shape.fields, columns, map);
    if (plan) return { kind: shape.kind, columns: plan, ...(joins.length > 0 ? { joins } : {}) };
  }
  throw new GraftError('DATASET_COLUMNS', `${file} has the columns ${found}, ${wayOut(columns)}.`, { file, columns });
}

/** Columns that a sentence names. */
const MOST_NAMED = 50;

function namesOf(columns: readonly string[]): string {
  if (columns.length === 0) return 'none';
  const named = columns.slice(0, MOST_NAMED).join(', ');
  return columns.length > MOST_NAMED ? `${named} and ${columns.length - MOST_NAMED} more` : named;
}

function fit(fields: Field[], columns: readonly string[], map: ColumnMap): Record<string, string> | undefined {
  const names = fields.flatMap((field) => field.names);
  if (!Object.keys(map).every((wanted) => names.includes(wanted))) return undefined;
  const plan: Record<string, string> = {};
  for (const field of fields) {
    const mapped = field.names.find((name) => map[name] !== undefined);
    const known = [...field.names, ...(field.readAs ?? [])];
    const column = mapped === undefined ? known.find((name) => columns.includes(name)) : map[mapped];
    if (column !== undefined) plan[field.names[0]] = column;
    else if (!field.optional) return undefined;
  }
  return plan;
}

const CLASS_COLUMNS = ['label', 'labels', 'class', 'category', 'sentiment'];

/** The column that by its name holds a label of each text. */
export function classColumn(columns: readonly string[]): string | undefined {
  return CLASS_COLUMNS.find((name) => columns.includes(name));
}

/** The rest of the sentence about columns that fit no shape: what the file seems to be, and what to do. */
function wayOut(columns: readonly string[]): string {
  const has = (...names: string[]): boolean => names.every((name) => columns.includes(name));
  if (has('input_ids'))
    return 'which hold text that another tokenizer has made into numbers already; bring the text itself';
  const label = classColumn(columns);
  const text = columns.find((name) => name !== label && !/^(idx|id|index|text)$/i.test(name));
  if (label !== undefined && text !== undefined)
    return (
      `which look like texts with a label each; to tell the labels apart say --classify --map text=${text}` +
      (label === 'label' ? '' : ` --map label=${label}`)
    );
  return (
    'but training needs prompt and completion, instruction and output, messages, chosen and rejected, or text; say ' +
    `which column is which with --map, for example --map prompt=${columns[0] ?? 'question'}`
  );
}
