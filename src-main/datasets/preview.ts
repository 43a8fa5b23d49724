/** The first rows of a dataset as text, before any model sees them. */
import { chatSegments, PLAIN_STYLE, type ChatStyle } from './chat.ts';
import type { Example, PreviewRow, RowContent } from '../../src-shared/datasets.ts';

/** Rows that a preview shows. */
export const PREVIEW_ROWS = 5;

/** The first examples as text. */
export function previewRows(examples: readonly Example[], style: ChatStyle = PLAIN_STYLE): PreviewRow[] {
  const rows: PreviewRow[] = [];
  for (const { rejected, ...example } of examples) {
    const own = textsOf(example, style);
    const other = rejected && textsOf(rejected, style);
    if (own) rows.push({ line: example.line, ...own, ...(other ? { rejected: other.completion } : {}) });
    if (rows.length === PREVIEW_ROWS) break;
  }
  return rows;
}

/** Undefined where a conversation cannot be written out. */
function textsOf(content: RowContent, style: ChatStyle): { prompt: string; completion: string } | undefined {
  const rendered = content.segments ? { segments: content.segments } : chatSegments(style, content);
  if (!('segments' in rendered)) return undefined;
  const { segments } = rendered;
  const last = segments.findLastIndex((segment) => segment.loss);
  const prompt = segments.slice(0, last).map((segment) => segment.text);
  return { prompt: prompt.join(''), completion: segments[last]?.text ?? '' };
}
