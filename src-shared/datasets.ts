/** A dataset as it crosses processes: what a file is found to hold, which rows are bad, and how rows look. */
import type { LengthStats } from './tokens.ts';

export type DatasetFormat = 'jsonl' | 'json' | 'csv';

/** Which tokens carry loss: the answers only, or every token that can be predicted. */
export type LossOn = 'completion' | 'all';

/** Column renames, wanted name -> name in the file, e.g. `{ prompt: 'question' }`. */
export type ColumnMap = Record<string, string>;

/** A row that cannot be used. `line` is 1-based, where the row starts in the file. */
export interface BadRow {
  line: number;
  reason: string;
}

/** The recognised shapes of a row. */
export type DatasetKind = 'completion' | 'alpaca' | 'messages' | 'text';

export interface Segment {
  text: string;
  /** Whether the model learns to write this text. */
  loss: boolean;
}

export interface Message {
  role: 'system' | 'user' | 'assistant';
  content: string;
}

/** A checked row. `segments` for prompt/completion, Alpaca and text; `messages` for conversations. */
export type Example =
  | { line: number; segments: Segment[]; messages?: undefined; label?: string }
  | { line: number; messages: Message[]; segments?: undefined };

/** Which column of the file holds which field. */
export interface ColumnPlan {
  kind: DatasetKind;
  /** Field name -> column in the file. */
  columns: Record<string, string>;
}

export interface PreviewRow {
  line: number;
  /** All that the model is given; empty for plain text. */
  prompt: string;
  /** What it learns to write (the last answer of a conversation). */
  completion: string;
}

export interface DatasetCheck {
  file: string;
  format: DatasetFormat;
  kind: DatasetKind;
  /** Column names of the file. */
  columns: string[];
  /** Rows that can be used. */
  rows: number;
  bad: BadRow[];
  sizeBytes: number;
  sha256: string;
  preview: PreviewRow[];
  /** With a tokenizer only: lengths, and rows that have nothing to learn within the maximum length. */
  stats?: LengthStats;
  unusable?: BadRow[];
}

export interface CheckOptions {
  file: string;
  format?: DatasetFormat | undefined;
  map?: ColumnMap;
  /** Folder of a model: lengths are counted with its tokenizer, conversations shown by its chat template. */
  tokenizerDir?: string | undefined;
  maxLength?: number;
  lossOn?: LossOn;
}
