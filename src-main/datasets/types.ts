/**
 * The records that travel between the stages of a dataset: file -> rows -> examples -> token ids.
 */
import type { BadRow, DatasetFormat } from '../../src-shared/datasets.ts';

/** One row as the file has it, before any column is interpreted. */
export interface RawRow {
  line: number;
  values: Record<string, unknown>;
  /** Where its line lies in a JSONL file, where that is known. */
  place?: { start: number; sizeBytes: number };
  /** The document of which this is a piece goes on in the next row. */
  goesOn?: true;
}

export interface ReadResult {
  file: string;
  format: DatasetFormat;
  sizeBytes: number;
  /** Of the bytes that were read. */
  sha256: string;
  rows: RawRow[];
  /** Rows that could not be parsed, in file order. */
  bad: BadRow[];
  /** Every column name of the file, in order of appearance. */
  columns: string[];
  /** Rows have no lines of their own, so that `line` is a row's number. */
  sharedLines: boolean;
  /** How the file was read where there was a choice. */
  notes: string[];
}

export interface TokenisedExample {
  line: number;
  ids: Int32Array;
  /** labels[t] is the id at position t where it carries loss, else -100. Always -100 at t = 0. */
  labels: Int32Array;
  /** Positions that carry loss. */
  labelled: number;
  /** Tokens before truncation to the maximum length. */
  fullLength: number;
  truncated: boolean;
  /** Examples with the same prompt (or the same text) have the same number. */
  group: number;
  /** Index of the row's label, where whole texts are classified; of an answer to choose 1 for a good one, else 0. */
  class?: number;
}

/** An answer to choose, alone or with the one that was rejected for it. */
export interface Choice extends Omit<TokenisedExample, 'class'> {
  rejected?: Pick<TokenisedExample, 'ids' | 'labels'>;
  /** Of a single answer. */
  good?: boolean;
}

/** Label of a position without loss, as in PyTorch. */
export const IGNORED = -100;
