/**
 * What the rows of a file say and training does not use: columns beside those of the plan, and fields of messages that
 * no chat template reads. Named in check, wizard and log, so that nothing vanishes without a word.
 */
import { classColumn } from './columns.ts';
import { labelOf } from './examples.ts';
import { columnsIn } from './joinedColumns.ts';
import { ktoMark } from './ktoMark.ts';
import { isObject } from './tokenizerFiles.ts';
import type { ColumnPlan, Example, UnusedField } from '../../src-shared/datasets.ts';
import type { RawRow } from './types.ts';

/** Fields that chat templates use to know; without a model they count as used. */
const USUAL_FIELDS = new Set(['tool_calls', 'tool_call_id', 'name', 'reasoning_content', 'thinking']);

/** Labels that a classifier may have; more values are no labels. */
const MOST_LABELS = 100;
/** Rows may invent fields without end, and of any length. */
const MOST_FIELDS = 1000;
const MOST_CHARS = 200;

export interface SeenFields {
  rows: [field: string, rows: number][];
  labels: string[];
}

export class UnusedFields {
  #plan: ColumnPlan;
  #chatTemplate: string | undefined;
  #classifies: boolean;
  #rows = new Map<string, number>();
  /** Different labels of the texts seen so far, up to one more than a classifier may have. */
  #labels = new Set<string>();

  /** `chatTemplate`: of the model; undefined where there is none, or no model is known. */
  constructor(plan: ColumnPlan, options: { chatTemplate?: string | undefined; classifies?: boolean } = {}) {
    this.#plan = plan;
    this.#chatTemplate = options.chatTemplate;
    this.#classifies = options.classifies ?? false;
  }

  /** Looks at a row and the example that was made of it. */
  note({ values }: Pick<RawRow, 'values'>, example: Example): void {
    const used = this.#usedColumns(values, example);
    for (const [column, value] of Object.entries(values)) if (!used.has(column) && holds(value)) this.#count(column);
    const column = this.#labelColumn(Object.keys(values));
    const label = column === undefined ? undefined : labelOf(values[column]);
    if (label !== undefined && this.#labels.size <= MOST_LABELS) this.#labels.add(label);
    const names = new Set((example.messages ?? []).flatMap(({ fields }) => Object.keys(fields ?? {})));
    for (const name of names) if (!this.#isRead(name)) this.#count(`${this.#listColumn(values)}[].${name}`);
  }

  /** What it has seen, for another one of the same plan to `add`. */
  get seen(): SeenFields {
    return { rows: [...this.#rows], labels: [...this.#labels] };
  }

  /** Adds what another one has seen in later rows. */
  add({ rows, labels }: SeenFields): void {
    for (const [field, count] of rows) this.#count(field, count);
    for (const label of labels) if (this.#labels.size <= MOST_LABELS) this.#labels.add(label);
  }

  /** Most rows first. */
  list(): UnusedField[] {
    const column = this.#labelColumn([...this.#rows.keys()]);
    return [...this.#rows]
      .map(([field, rows]) => ({ field, rows, ...(field === column ? this.#hint(column, rows) : {}) }))
      .sort((a, b) => b.rows - a.rows);
  }

  /** The column whose labels of the texts a classifier would learn, where none is trained. */
  #labelColumn(columns: readonly string[]): string | undefined {
    if (this.#plan.kind !== 'text' || this.#classifies) return undefined;
    return this.#plan.columns['label'] ?? classColumn(columns);
  }

  /** Few values, or whole numbers, are labels to be told apart. */
  #hint(column: string, rows: number): { hint?: string } {
    const { size } = this.#labels;
    const areNumbers = [...this.#labels].every((label) => /^\d+$/.test(label));
    if (size < 2 || size > MOST_LABELS || !(areNumbers || 2 * size <= rows)) return {};
    const map = column === this.#plan.columns['label'] ? '' : ` --map label=${column}`;
    return { hint: `to tell its labels apart, say --classify${map}` };
  }

  #usedColumns(values: RawRow['values'], example: Example): Set<string> {
    const { kind, columns, joins = [] } = this.#plan;
    const used = new Set([...Object.values(columns), ...joins.flatMap(columnsIn)]);
    const unless = (field: string, isUsed: boolean): void => {
      const column = columns[field];
      if (column !== undefined && !isUsed) used.delete(column);
    };
    unless('label', kind === 'text' ? this.#classifies : ktoMark(values[columns['label'] ?? '']) !== undefined);
    unless(
      'tools',
      isEmptyList(values[columns['tools'] ?? '']) || (example.messages !== undefined && this.#readsTools()),
    );
    return used;
  }

  #isRead(field: string): boolean {
    return this.#chatTemplate === undefined ? USUAL_FIELDS.has(field) : this.#chatTemplate.includes(field);
  }

  #readsTools(): boolean {
    return this.#chatTemplate === undefined || this.#chatTemplate.includes('tools');
  }

  #listColumn(values: RawRow['values']): string {
    const names = ['messages', 'completion', 'prompt'].flatMap((field) => this.#plan.columns[field] ?? []);
    return names.find((name) => Array.isArray(values[name]) && values[name].some(isObject)) ?? 'messages';
  }

  #count(field: string, more = 1): void {
    const rows = this.#rows.get(field);
    if (rows === undefined && (this.#rows.size === MOST_FIELDS || field.length > MOST_CHARS)) return;
    this.#rows.set(field, (rows ?? 0) + more);
  }
}

function holds(value: unknown): boolean {
  return value !== null && value !== undefined && value !== '' && !isEmptyList(value);
}

function isEmptyList(value: unknown): boolean {
  return (Array.isArray(value) && value.length === 0) || value === '[]';
}
