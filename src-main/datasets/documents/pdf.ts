/** The text layer of a PDF, page by page, in the order in which the document draws it. Pictures are not looked at. */
import { GraftError } from '../../../src-shared/errors.ts';
import { counted } from '../../../src-shared/plural.ts';
import type { DocumentReading, ReadDocument } from './blocks.ts';
import { brokenDocument, documentTooLarge, encryptedDocument, MOST_TEXT_BYTES } from './errors.ts';
import { scannedDocument, unreadableLetters } from './errors.ts';
import { dropPageEdges } from './pageEdges.ts';
import { linesOfPage, type Line, type TextItem } from './pdfLines.ts';
import { paragraphsOf } from './pdfParagraphs.ts';

/** Of a text's letters; more of them are none that anybody could read. */
const MOST_UNREADABLE = 0.2;

/** Throws DATASET_BROKEN, DATASET_ENCRYPTED, DATASET_NO_TEXT or DATASET_TOO_LARGE. */
export async function readPdf({ file, bytes, onProgress }: DocumentReading): Promise<ReadDocument> {
  let pages: Line[][];
  try {
    pages = await linesOfPages(file, bytes, onProgress);
  } catch (error) {
    if (error instanceof GraftError) throw error;
    if (error instanceof Error && error.name === 'PasswordException') throw encryptedDocument(file);
    throw brokenDocument(file, 'a PDF document', error);
  }
  const empty = pages.filter((lines) => lines.length === 0).length;
  if (empty === pages.length) throw scannedDocument(file, pages.length);
  const { kept, dropped } = dropPageEdges(pages);
  const { blocks, joined } = paragraphsOf(kept.flat());
  checkLetters(file, kept.flat());
  const notes: string[] = [];
  if (empty > 0) notes.push(`${counted(empty, 'page')} without text left out, pictures of text among them.`);
  if (dropped > 0) notes.push(`${counted(dropped, 'line')} of repeated headers, footers and page numbers left out.`);
  if (joined > 0) notes.push(`${counted(joined, 'word')} that a line end had divided joined again.`);
  return { blocks, notes };
}

async function linesOfPages(file: string, bytes: Uint8Array, onProgress: (share: number) => void): Promise<Line[][]> {
  // Read only when there is a PDF: the library takes a fifth of a second.
  const { getDocumentProxy } = await import('unpdf');
  const pdf = await getDocumentProxy(bytes, {
    useSystemFonts: false,
    disableFontFace: true,
    verbosity: 0,
  });
  try {
    const pages: Line[][] = [];
    let chars = 0;
    for (let number = 1; number <= pdf.numPages; number++) {
      const page = await pdf.getPage(number);
      const { items } = await page.getTextContent();
      const lines = linesOfPage(
        items.filter((item): item is typeof item & TextItem => 'str' in item),
        number,
      );
      chars += lines.reduce((sum, { text }) => sum + text.length, 0);
      if (chars > MOST_TEXT_BYTES) throw documentTooLarge(file);
      pages.push(lines);
      page.cleanup();
      onProgress(number / pdf.numPages);
    }
    return pages;
  } finally {
    await pdf.loadingTask.destroy();
  }
}

function checkLetters(file: string, lines: readonly Line[]): void {
  let [all, unreadable] = [0, 0];
  for (const { text } of lines) {
    all += text.length;
    unreadable += text.match(/[\ufffd\p{Co}\p{Cc}]/gu)?.length ?? 0;
  }
  if (unreadable > MOST_UNREADABLE * all) throw unreadableLetters(file);
}
