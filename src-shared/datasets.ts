/** A dataset as it crosses processes: what a file is found to hold, which rows are bad, and how rows look. */
import { counted } from './plural.ts';
import type { LengthStats } from './tokens.ts';

export const DATASET_FORMATS = ['jsonl', 'json', 'csv', 'text', 'parquet', 'arrow', 'xlsx'] as const;
export type DatasetFormat = (typeof DATASET_FORMATS)[number];

/** How a file is read, beside its columns. */
export interface FileRules {
  /** Absent or null: told from its content. */
  format?: DatasetFormat | null | undefined;
  /** Which part holds the rows: a sheet, the path of a list in a JSON file, a split or file of a folder. */
  part?: string | undefined;
  /** A CSV file's first line is a row, not the names of the columns. */
  noHeader?: boolean | undefined;
}

/** Which tokens carry loss: the answers only, or every token that can be predicted. */
export type LossOn = 'completion' | 'all';

/** Wanted name -> column of the file, or several: `{ prompt: '{Subject}\\n\\n{Text}', completion: 'Answer' }`. */
export type ColumnMap = Record<string, string>;

/** A row that cannot be used. `line` is 1-based, where the row starts in the file, or the row's number there. */
export interface BadRow {
  line: number;
  reason: string;
}

/** What a row's `line` counts. `sharedLines`: rows have no lines of their own, so that it is the row's number. */
export function placeName(sharedLines: boolean): 'row' | 'line' {
  return sharedLines ? 'row' : 'line';
}

/** `line 7`, or `row 7`. */
export function placeOf(line: number, sharedLines: boolean): string {
  return sharedLines ? `row ${line}` : `line ${line}`;
}

/** `line 7: not valid JSON`; `row 7` where rows have no lines of their own. */
export function describeBadRow({ line, reason }: BadRow, sharedLines: boolean): string {
  return `${placeOf(line, sharedLines)}: ${reason}`;
}

/** The recognised shapes of a row. `preference`: two answers to the same prompt, one of them chosen. */
export type DatasetKind = 'completion' | 'alpaca' | 'messages' | 'text' | 'preference';

/** Which answers the rows of a file hold. */
export interface RowShape {
  /** Null where no shape fits the columns. */
  kind: DatasetKind | null;
  /** Rows say of their answers whether they are good ones. */
  marked: boolean;
}

export interface Segment {
  text: string;
  /** Whether the model learns to write this text. */
  loss: boolean;
  /** Never learnt, even where the loss is on all tokens: the row says so. */
  silent?: true;
}

export interface Message {
  role: 'system' | 'user' | 'assistant' | 'tool';
  /** Empty where an assistant only calls tools. */
  content: string;
  /** False: an answer that is context only, without loss. */
  train?: false;
  /** What else the row says of the message, for chat templates that know it: `tool_calls`, `name`, … */
  fields?: Record<string, unknown>;
}

/** What a row says: `segments` for prompt/completion, Alpaca and text; `messages` for conversations. */
export type RowContent =
  | {
      segments: Segment[];
      messages?: undefined;
      tools?: undefined;
      label?: string;
      /** A piece of a document that goes on after it, so that no EOS follows. */
      goesOn?: true;
    }
  | {
      messages: Message[];
      segments?: undefined;
      /** Descriptions of the tools that may be called, as JSON schemas, for the chat template. */
      tools?: unknown[];
    };

/** A checked row. */
export type Example = RowContent & {
  line: number;
  /** Of a pair the same with the rejected answer; the row itself has the chosen one. */
  rejected?: RowContent;
  /** Whether the row says of its answer that it is a good one; absent where it says neither. */
  good?: boolean;
};

/** Whether the length of an answer alone tells which one is chosen, by pairs spread over the whole file. */
export interface LengthBias {
  /** Good rows, and how many of them were looked at. */
  total: number;
  pairs: number;
  /** Pairs whose chosen answer is the longer, and the shorter one. */
  longer: number;
  shorter: number;
  /** Characters of a usual answer. */
  medianChosen: number;
  medianRejected: number;
  /** Characters of both answers of some of the pairs. */
  points: { chosen: number; rejected: number }[];
}

/** A column, or a field of its messages (`messages[].name`), that holds something and is not used. */
export interface UnusedField {
  field: string;
  /** Rows in which it holds something. */
  rows: number;
  /** How it would be used. */
  hint?: string;
}

/** Which column of the file holds which field. */
export interface ColumnPlan {
  kind: DatasetKind;
  /** Field name -> column in the file, or a template of several (`joins`). */
  columns: Record<string, string>;
  /** Templates that put several columns together (src-main/datasets/joinedColumns.ts). */
  joins?: string[];
  /**
   * How a question is put where a prompt template has been chosen: as a turn of a conversation, with an input under
   * Alpaca's heading, or as it stands. Absent: as the kind says.
   */
  asked?: 'turns' | 'alpaca' | 'bare';
}

export interface PreviewRow {
  line: number;
  /** All that the model is given; empty for plain text. */
  prompt: string;
  /** What it learns to write (the last answer of a conversation); of a pair the chosen answer. */
  completion: string;
  rejected?: string;
}

/** `source (427 rows), label (427 rows; to tell its labels apart, say --classify)`. */
export function unusedText(unused: readonly UnusedField[]): string {
  const shown = unused
    .slice(0, 12)
    .map(({ field, rows, hint }) => `${field} (${counted(rows, ['row', 'rows'])}${hint ? `; ${hint}` : ''})`);
  return shown.join(', ') + (unused.length > shown.length ? `, and ${unused.length - shown.length} more` : '');
}

/** `1 row spells out control tokens of the model; they are read as text`. */
export function spelledText(rows: number, readAs: string): string {
  const spelled = counted(rows, ['row spells out', 'rows spell out']);
  return `${spelled} control tokens of the model; they are read as ${readAs}`;
}

export interface DatasetCheck {
  file: string;
  format: DatasetFormat;
  kind: DatasetKind;
  /** Column names of the file. */
  columns: string[];
  /** How the file was read where there was a choice. */
  notes: string[];
  /** Rows that can be used. */
  rows: number;
  /** Of a large file the first; then `badCount` says how many there are. */
  bad: BadRow[];
  badCount?: number;
  /** Rows have no lines of their own: their numbers are told, not their lines. */
  sharedLines: boolean;
  sizeBytes: number;
  sha256: string;
  preview: PreviewRow[];
  /** What the rows say and training does not use. */
  unused: UnusedField[];
  /** With a tokenizer only: lengths, and rows that have nothing to learn within the maximum length. */
  stats?: LengthStats;
  unusable?: BadRow[];
  unusableCount?: number;
  /** With a tokenizer only: rows whose text holds control tokens of the model, such as `<|im_end|>`. */
  controlTokenRows?: number;
}

export interface CheckOptions {
  file: string;
  format?: DatasetFormat | undefined;
  part?: string | undefined;
  noHeader?: boolean | undefined;
  map?: ColumnMap;
  /** Folder of a model: lengths are counted with its tokenizer, conversations shown by its chat template. */
  tokenizerDir?: string | undefined;
  maxLength?: number;
  lossOn?: LossOn;
  /** Control tokens in the text of rows count as tokens, not as text. */
  controlTokens?: boolean;
  /** Rows of that model's embedding; a row with a token beyond them is bad. */
  vocab?: number;
}
