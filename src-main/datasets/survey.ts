/**
 * What a file's rows are for training: which are good, which share a prompt, which are the same. One pass over the rows;
 * afterwards a few numbers per row answer every question about bad rows, duplicates and the split.
 */
import { createHash } from 'node:crypto';
import { planColumns, toExample, type ColumnPlan } from './columns.ts';
import { groupOf } from './dataset.ts';
import type { RowIndex } from './rowIndex.ts';
import type { BadRow, ColumnMap, Example } from './types.ts';

/** A bad row, with its number where it could at least be parsed. */
export interface SurveyedBadRow extends BadRow {
  index: number | null;
}

/** A good row: its number, and the numbers it shares with rows like it. */
export interface SurveyedRow {
  index: number;
  /** Rows with the same prompt, as the split sees them. */
  group: number;
  /** Place in `good` of the first row with the same content, but for space around it. */
  sameAs: number;
  /** The same, but for upper and lower case, space anywhere and the form of its letters. */
  alike: number;
  /** Characters of all its texts. */
  length: number;
}

export interface Survey {
  plan: ColumnPlan;
  good: SurveyedRow[];
  /** In file order. */
  bad: SurveyedBadRow[];
}

/** Looks at every row once. Throws what planColumns throws; rows that cannot be used are collected. */
export async function surveyRows(index: RowIndex, map: ColumnMap = {}): Promise<Survey> {
  const plan = planColumns(index.file, index.columns, map);
  const good: SurveyedRow[] = [];
  const bad: SurveyedBadRow[] = index.bad.map((row) => ({ ...row, index: null }));
  const groups = new Map<string, number>();
  const same = new Map<string, number>();
  const alike = new Map<string, number>();
  for await (const row of index.rows()) {
    const example = toExample(row, plan);
    if ('reason' in example) {
      bad.push({ ...example, index: row.index });
      continue;
    }
    const place = good.length;
    const texts = textsOf(example);
    good.push({
      index: row.index,
      group: groupOf(example, groups),
      sameAs: firstWith(same, texts.map((text) => text.trim()), place),
      alike: firstWith(alike, texts.map(normalised), place),
      length: texts.reduce((sum, text) => sum + text.length, 0),
    });
  }
  bad.sort((a, b) => a.line - b.line);
  return { plan, good, bad };
}

/** The texts of an example, with what tells them apart: the roles of messages, the label of a text. */
function textsOf(example: Example): string[] {
  if (example.messages) return example.messages.flatMap(({ role, content }) => [role, content]);
  return [...example.segments.map((segment) => segment.text), ...(example.label === undefined ? [] : [example.label])];
}

function normalised(text: string): string {
  return text.normalize('NFKC').toLowerCase().replace(/\s+/g, ' ').trim();
}

/** The place of the first row with this content; a hash stands for it, so that memory does not hold every text. */
function firstWith(known: Map<string, number>, texts: string[], place: number): number {
  const key = createHash('sha256').update(JSON.stringify(texts)).digest().toString('latin1');
  const first = known.get(key);
  if (first === undefined) known.set(key, place);
  return first ?? place;
}
