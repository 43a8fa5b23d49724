/** The first rows of a dataset as text, before any model sees them. */
import { chatSegments, PLAIN_STYLE, type ChatStyle } from './chat.ts';
import type { Example, PreviewRow, Segment } from '../../src-shared/datasets.ts';

/** Rows that a preview shows. */
export const PREVIEW_ROWS = 5;

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
