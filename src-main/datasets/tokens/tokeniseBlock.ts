/** A stretch of a file's rows as tokens: what a thread does for tokeniseFile.ts, and what it answers. */
import { isSurelyLearnt } from '../surelyLearnt.ts';
import { UnusedFields, type SeenFields } from '../unusedFields.ts';
import { endFact } from '../endTokens.ts';
import { tokeniseExample, type Answers } from '../tokeniseExample.ts';
import { toExample } from '../examples.ts';
import { keyOf, type TextKey } from '../firstSeen.ts';
import { promptOf } from '../groups.ts';
import { withTemplate } from '../promptTemplates.ts';
import { labelledText, unknownLabel } from '../labelledTexts.ts';
import { parseJsonRow, MOST_ROW_CHARS, TOO_LONG } from '../readers/jsonRow.ts';
import type { TextTokenizer } from '../tokenizer.ts';
import type { RawRow, TokenisedExample } from '../types.ts';
import type { BadRow, ColumnPlan, LossOn } from '../../../src-shared/datasets.ts';
import { NO_END } from './rowList.ts';
import { encodeRecord, type IdBytes } from './tokenRecord.ts';

/** By which rows become tokens; the same for all of a file. */
export interface TokenRules {
  modelDir: string;
  plan: ColumnPlan;
  /** Of the rows' prompt template, in place of the tokenizer's own. */
  chatTemplate?: string | undefined;
  lossOn: LossOn;
  maxLength: number;
  controlTokens?: boolean | undefined;
  vocab?: number | undefined;
  classify?: boolean | undefined;
  labels?: readonly string[] | undefined;
  /** Rows are pieces of documents. */
  isPiece: boolean;
  answers?: Answers | undefined;
  idBytes: IdBytes;
  /** Of each row only where its line lies is wanted; it is tokenised only where it is not certain that it is good. */
  placesOnly?: boolean | undefined;
}

/** Rows as they were read, or whole lines of a JSONL file in UTF-8. */
export type Block = { rows: (RawRow | BadRow)[] } | { bytes: Uint8Array; firstLine: number; firstByte: number };

export interface BlockQuestion {
  rules: TokenRules;
  block: Block;
}

/** A tokenised row beside its record, or beside its line in the file; that has no tokens yet. */
interface BlockRow {
  /** Of its line. */
  start?: number;
  sizeBytes: number;
  line: number;
  tokens: number;
  labelled: number;
  fullLength: number;
  truncated: boolean;
  prompt: TextKey;
  end: number;
}

export interface BlockAnswer {
  /** Of `rows`, one after the other, in memory that threads share. */
  records: Uint8Array;
  rows: BlockRow[];
  /** Names of the classes that the records have by number; with labels that are known before, of no use. */
  labels: string[];
  /** Rows read, and their columns. */
  read: number;
  columns: string[];
  bad: BadRow[];
  unusable: BadRow[];
  unused: SeenFields;
  controlTokenRows: number;
  /** Good rows that are conversations. */
  conversations: number;
}

const LINE_FEED = 0x0a;

export function tokeniseBlock({ rules, block }: BlockQuestion, own: TextTokenizer, onRow: () => void): BlockAnswer {
  const { plan, chatTemplate, classify = false } = rules;
  const tokenizer = chatTemplate === undefined ? own : withTemplate(own, chatTemplate);
  const unused = new UnusedFields(plan, { chatTemplate: tokenizer.chatTemplate, classifies: classify });
  const columns = new Set<string>();
  const labels = new Map((rules.labels ?? []).map((label, i) => [label, i]));
  const records: Uint8Array[] = [];
  const answer: Omit<BlockAnswer, 'records' | 'columns' | 'labels' | 'unused'> = {
    rows: [],
    read: 0,
    bad: [],
    unusable: [],
    controlTokenRows: 0,
    conversations: 0,
  };
  const keep = (row: Omit<TokenisedExample, 'group'>, prompt: TextKey): void => {
    const record = encodeRecord(row, rules.idBytes);
    records.push(record);
    const { line, labelled, fullLength, truncated } = row;
    const facts = { line, labelled, fullLength, truncated, prompt, end: endFact(row, tokenizer) };
    answer.rows.push({ ...facts, sizeBytes: record.length, tokens: row.ids.length });
  };
  const keepPlace = ({ line, place }: RawRow, prompt: TextKey, end: number): void => {
    if (!place) throw new Error('the row has no line of its own');
    const facts = { tokens: 0, labelled: 0, fullLength: 0, truncated: false, end };
    answer.rows.push({ ...place, line, prompt, ...facts });
  };
  for (const row of rowsOf(block)) {
    onRow();
    answer.read++;
    if ('reason' in row) {
      answer.bad.push(row);
      continue;
    }
    for (const name of Object.keys(row.values)) columns.add(name);
    const example = toExample(row, plan);
    if ('reason' in example) {
      answer.bad.push(example);
      continue;
    }
    unused.note(row, example);
    if (example.messages) answer.conversations++;
    if (classify) {
      const found = labelledText(example, rulesFor(rules, tokenizer));
      if ('bad' in found) {
        answer.bad.push(found.bad);
        continue;
      }
      const known = labels.get(found.label);
      if (known === undefined && rules.labels) {
        answer.bad.push({ line: row.line, reason: unknownLabel(found.label, rules.labels) });
        continue;
      }
      if (known === undefined) labels.set(found.label, labels.size);
      if (found.controls > 0) answer.controlTokenRows++;
      keep({ ...found.row, class: labels.get(found.label)! }, keyOf(found.text));
      continue;
    }
    if (rules.placesOnly && isSurelyLearnt(example, tokenizer, rules.maxLength)) {
      // With the model's own EOS, or cut before it.
      keepPlace(row, keyOf(promptOf(example)), NO_END);
      continue;
    }
    const found = tokeniseExample(example, rulesFor(rules, tokenizer));
    if ('bad' in found) {
      answer.bad.push(found.bad);
      continue;
    }
    if (found.controls > 0) answer.controlTokenRows++;
    if ('unusable' in found) answer.unusable.push(found.unusable);
    else if (rules.placesOnly) keepPlace(row, keyOf(promptOf(example)), endFact(found.rows[0]!, tokenizer));
    else for (const one of found.rows) keep(one, keyOf(promptOf(example)));
  }
  return {
    ...answer,
    records: joined(records),
    columns: [...columns],
    labels: [...labels.keys()],
    unused: unused.seen,
  };
}

function rulesFor({ lossOn, maxLength, controlTokens, vocab, isPiece, answers }: TokenRules, tokenizer: TextTokenizer) {
  return { tokenizer, lossOn, maxLength, controlTokens, vocab, isPiece, answers };
}

/** The rows of a stretch, as their reader gives them. */
export function* rowsOf(block: Block): Generator<RawRow | BadRow> {
  if ('rows' in block) return yield* block.rows;
  // A byte order mark is one at the start of a file only.
  const text = new TextDecoder('utf-8', { fatal: true, ignoreBOM: block.firstLine > 1 }).decode(block.bytes);
  let line = block.firstLine;
  let byte = 0;
  for (let start = 0; start <= text.length; line++) {
    const found = text.indexOf('\n', start);
    const end = found < 0 ? text.length : found;
    const lastByte = found < 0 ? block.bytes.length : block.bytes.indexOf(LINE_FEED, byte);
    const place = { start: block.firstByte + byte, sizeBytes: lastByte - byte };
    byte = lastByte + 1;
    if (end - start > MOST_ROW_CHARS) yield { line, reason: TOO_LONG };
    else {
      const own = text.slice(start, end);
      if (own.trim() !== '') {
        const row = parseJsonRow(own.trimEnd(), line);
        yield 'reason' in row ? { line, ...row } : { line, place, ...row };
      }
    }
    start = end + 1;
  }
}

function joined(records: readonly Uint8Array[]): Uint8Array {
  const whole = new Uint8Array(new SharedArrayBuffer(records.reduce((sum, { length }) => sum + length, 0)));
  let at = 0;
  for (const record of records) {
    whole.set(record, at);
    at += record.length;
  }
  return whole;
}
