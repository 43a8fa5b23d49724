/** A document as rows of text, each with where it comes from. */
import type { DocumentRows } from '../../../src-shared/documents.ts';
import { headingOf, type Block } from './blocks.ts';
import { chunksOf, type Chunk } from './chunks.ts';

export interface DocumentRow extends Chunk {
  /** Name of the document. */
  source: string;
}

export function documentRows(blocks: readonly Block[], source: string, settings: DocumentRows): DocumentRow[] {
  const chunks = settings.rowUnit === 'chunk' ? chunksOf(blocks, settings) : wholes(blocks, settings.rowUnit);
  return chunks.map(({ text, heading, page }) => ({ text, source, page, heading }));
}

/** A document without pages is one row also where a row is a page. */
function wholes(blocks: readonly Block[], unit: 'page' | 'document'): Chunk[] {
  const groups = unit === 'page' ? Map.groupBy(blocks, ({ page }) => page) : new Map([[null, blocks]]);
  let heading: string | null = null;
  return [...groups.values()].map((group) => {
    const [first] = group;
    if (first?.isHeading) heading = headingOf(first);
    const chunk = { text: group.map(({ text }) => text).join('\n\n'), heading, page: first?.page ?? null };
    const last = group.findLast(({ isHeading }) => isHeading);
    if (last) heading = headingOf(last);
    return chunk;
  });
}
