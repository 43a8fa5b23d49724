/** A dataset file at a glance, before any run: what it is, which rows are bad, and how rows will look to the model. */
import { chatSegments, PLAIN_STYLE } from './chat.ts';
import type { ChatStyle } from './chat.ts';
import { readExamples, tokeniseExamples } from './dataset.ts';
import type { PreparedDataset } from './dataset.ts';
import { loadTokenizer } from './tokenizer.ts';
import type { CheckOptions, DatasetCheck, Example, PreviewRow, Segment } from '../../src-shared/datasets.ts';

/** Rows that a preview shows. */
export const PREVIEW_ROWS = 5;

/** Throws what readExamples and loadTokenizer throw; bad rows are reported, not thrown. */
export async function checkDataset(options: CheckOptions): Promise<DatasetCheck> {
  const tokenizer = options.tokenizerDir === undefined ? undefined : loadTokenizer(options.tokenizerDir);
  const set = await readExamples(options, tokenizer?.chatTemplate);
  const tokenised: PreparedDataset | undefined =
    tokenizer &&
    (await tokeniseExamples(set, {
      tokenizer,
      maxLength: options.maxLength ?? Infinity,
      lossOn: options.lossOn ?? 'completion',
      controlTokens: options.controlTokens,
      vocab: options.vocab,
    }));
  const { file, format, columns, notes, sizeBytes, sha256 } = set.read;
  return {
    file,
    format,
    kind: set.kind,
    columns,
    notes,
    rows: tokenised ? tokenised.examples.length : set.examples.length,
    bad: tokenised ? tokenised.bad : set.bad,
    sharedLines: set.read.sharedLines,
    sizeBytes,
    sha256,
    preview: previewRows(set.examples, tokenizer ?? PLAIN_STYLE),
    unused: set.unused,
    ...(tokenised
      ? { stats: tokenised.stats, unusable: tokenised.unusable, controlTokenRows: tokenised.controlTokenRows }
      : {}),
  };
}

/** The first examples as text. */
export function previewRows(examples: readonly Example[], style: ChatStyle = PLAIN_STYLE): PreviewRow[] {
  const rows: PreviewRow[] = [];
  for (const example of examples) {
    const rendered = example.segments ? { segments: example.segments } : chatSegments(style, example);
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
