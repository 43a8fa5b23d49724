/** Checks a dataset file: what can be used, and every row that cannot, with its line and reason. */
import type { Catalog } from '../catalog/catalog.ts';
import type { DataSpec } from '../trainer/protocol.ts';

export interface DatasetReport {
  /** Absolute path. */
  file: string;
  format: 'jsonl' | 'json' | 'csv';
  /** Which columns the rows carry. */
  kind: 'completion' | 'alpaca' | 'messages' | 'text' | null;
  /** Column names found in the file. */
  columns: string[];
  /** Good rows. */
  rows: number;
  badRows: { line: number; reason: string }[];
  /** sha256 of the file. */
  hash: string;
  sizeBytes: number;
  /** The first good rows, as prompt and completion text. */
  preview: { prompt: string; completion: string }[];
  /** Token counts; null without a model. */
  lengths: DatasetLengths | null;
}

export interface DatasetLengths {
  min: number;
  median: number;
  p95: number;
  max: number;
  mean: number;
  /** Rows longer than the maximum length. */
  truncated: number;
  /** Tokens that carry loss. */
  labelledTokens: number;
  /** Rows without a labelled token after truncation. */
  unlabelled: { line: number; reason: string }[];
  /** Counts of rows in equal bins from `min` to `max`. */
  histogram: { from: number; to: number; rows: number }[];
}

export interface CheckRequest {
  file: string;
  format?: DataSpec['format'];
  map?: DataSpec['map'];
  /** With a model, token lengths are counted with its tokenizer. */
  modelId?: string | undefined;
  maxLength?: number | undefined;
  lossOn?: DataSpec['lossOn'] | undefined;
}

export async function checkFile(_catalog: Catalog, request: CheckRequest): Promise<DatasetReport> {
  throw new Error(`${request.file} cannot be checked yet.`);
}
