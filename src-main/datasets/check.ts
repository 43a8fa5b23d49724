/** A dataset file at a glance, before any run: what it is, which rows are bad, and how rows will look to the model. */
import { chatSegments, PLAIN_STYLE } from './chat.ts';
import type { ChatStyle } from './chat.ts';
import { readExamples, tokeniseExamples } from './dataset.ts';
import type { PreparedDataset } from './dataset.ts';
import type { LengthStats } from './stats.ts';
import { loadTokenizer } from './tokenizer.ts';
import type { BadRow, ColumnMap, DatasetFormat, DatasetKind, Example, LossOn, Segment } from './types.ts';

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
  /** Folder of a checkpoint: lengths are counted with its tokenizer, conversations shown by its chat template. */
  tokenizerDir?: string | undefined;
  maxLength?: number;
  lossOn?: LossOn;
}

const PREVIEW_ROWS = 5;

/** Throws what readExamples and loadTokenizer throw; bad rows are reported, not thrown. */
export async function checkDataset(options: CheckOptions): Promise<DatasetCheck> {
  const tokenizer = options.tokenizerDir === undefined ? undefined : loadTokenizer(options.tokenizerDir);
  const set = await readExamples(options);
  const tokenised: PreparedDataset | undefined =
    tokenizer &&
    (await tokeniseExamples(set, {
      tokenizer,
      maxLength: options.maxLength ?? Infinity,
      lossOn: options.lossOn ?? 'completion',
    }));
  const { file, format, columns, sizeBytes, sha256 } = set.read;
  return {
    file,
    format,
    kind: set.kind,
    columns,
    rows: tokenised ? tokenised.examples.length : set.examples.length,
    bad: tokenised ? tokenised.bad : set.bad,
    sizeBytes,
    sha256,
    preview: previewRows(set.examples, tokenizer ?? PLAIN_STYLE),
    ...(tokenised ? { stats: tokenised.stats, unusable: tokenised.unusable } : {}),
  };
}

/** The first examples as text. */
export function previewRows(examples: readonly Example[], style: ChatStyle = PLAIN_STYLE): PreviewRow[] {
  const rows: PreviewRow[] = [];
  for (const example of examples) {
    const rendered = example.segments ? { segments: example.segments } : chatSegments(style, example.messages);
    if ('segments' in rendered) rows.push(previewOf(example.line, rendered.segments));
    if (rows.length === PREVIEW_ROWS) break;
  }
  return rows;
}

function previewOf(line: number, segments: readonly Segment[]): PreviewRow {
  const last = segments.findLastIndex((segment) => segment.loss);
  const prompt = segments.slice(0, last).map((segment) => segment.text);
  return { line, prompt: prompt.join(''), completion: segments[last]?.text ?? '' };
}
