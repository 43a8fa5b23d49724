/**
 * Word documents: paragraphs, headings by their style, tables row by row with tabs between the cells. Deleted text,
 * headers, footers, footnotes and the numbers of lists are left out.
 */
import { unzipSync } from 'fflate';
import { Parser } from 'htmlparser2';
import { GraftError } from '../../../src-shared/errors.ts';
import type { Block, DocumentReading, ReadDocument } from './blocks.ts';
import { brokenDocument, checkDepth, documentTooLarge } from './errors.ts';

const MAIN = 'word/document.xml';
const STYLES = 'word/styles.xml';
const MOST_UNPACKED_BYTES = 2 ** 28;

/** Throws DATASET_BROKEN or DATASET_TOO_LARGE. */
export function readDocx({ file, bytes }: DocumentReading): ReadDocument {
  const parts = unpack(file, bytes);
  const main = parts[MAIN];
  if (!main) throw brokenDocument(file, 'a Word document', new Error(`it holds no ${MAIN}`));
  const headings = headingStyles(file, parts[STYLES] ?? new Uint8Array());
  return { blocks: wordBlocks(file, xmlText(main), headings), notes: [] };
}

/** Whether an archive is a Word document, told from its list of files. */
export function isDocx(bytes: Uint8Array): boolean {
  let found = false;
  try {
    unzipSync(bytes, { filter: ({ name }) => ((found ||= name === MAIN), false) });
  } catch {
    return false;
  }
  return found;
}

function unpack(file: string, bytes: Uint8Array): Record<string, Uint8Array> {
  let unpacked = 0;
  try {
    return unzipSync(bytes, {
      filter: ({ name, originalSize }) => {
        if (name !== MAIN && name !== STYLES) return false;
        unpacked += originalSize;
        if (unpacked > MOST_UNPACKED_BYTES) throw documentTooLarge(file);
        return true;
      },
    });
  } catch (error) {
    throw error instanceof GraftError ? error : brokenDocument(file, 'a Word document', error);
  }
}

function xmlText(bytes: Uint8Array): string {
  const [first, second] = bytes;
  const encoding = first === 0xff && second === 0xfe ? 'utf-16le' : first === 0xfe && second === 0xff ? 'utf-16be' : '';
  return new TextDecoder(encoding || 'utf-8').decode(bytes);
}

/** Ids of the styles of headings; Word translates the ids, `berschrift1`, and keeps the names, `heading 1`. */
function headingStyles(file: string, bytes: Uint8Array): Set<string> {
  const ids = new Set<string>();
  let id: string | undefined;
  let depth = 0;
  const parser = new Parser(
    {
      onopentag(name, attributes) {
        checkDepth(file, ++depth);
        if (name === 'w:style') id = attributes['w:styleId'];
        if (id === undefined) return;
        const isNamed = name === 'w:name' && /^(heading \d|title)$/i.test(attributes['w:val'] ?? '');
        if (isNamed || (name === 'w:outlineLvl' && Number(attributes['w:val']) < 9)) ids.add(id);
      },
      onclosetag(name) {
        depth--;
        if (name === 'w:style') id = undefined;
      },
    },
    { xmlMode: true },
  );
  parser.end(xmlText(bytes));
  return ids;
}

/** What repeats other text, or was there before a change. */
const SKIPPED = new Set(['mc:Fallback', 'w:moveFrom', 'w:del']);
const CHARACTERS: Record<string, string> = {
  'w:tab': '\t',
  'w:br': '\n',
  'w:cr': '\n',
  'w:noBreakHyphen': '-',
};

function wordBlocks(file: string, xml: string, headings: Set<string>): Block[] {
  const blocks: Block[] = [];
  // A text box lies within a paragraph, and holds paragraphs of its own.
  const paragraphs: { text: string; isHeading: boolean }[] = [];
  let rows: string[] = [];
  let cells: string[] = [];
  let cell: string[] = [];
  let tables = 0;
  let skipped = 0;
  let isText = false;
  let depth = 0;
  const parser = new Parser(
    {
      onopentag(name, attributes) {
        checkDepth(file, ++depth);
        if (SKIPPED.has(name)) skipped++;
        if (skipped > 0) return;
        const paragraph = paragraphs.at(-1);
        if (name === 'w:p') paragraphs.push({ text: '', isHeading: false });
        else if (name === 'w:tbl') tables++;
        else if (name === 'w:t') isText = true;
        // Within `w:tabs` it is a place to stop at, outside of any run.
        else if (paragraph && name === 'w:tab' && attributes['w:val'] !== undefined) return;
        else if (paragraph && CHARACTERS[name] !== undefined) paragraph.text += CHARACTERS[name];
        else if (paragraph && name === 'w:pStyle') paragraph.isHeading = headings.has(attributes['w:val'] ?? '');
      },
      ontext(data) {
        const paragraph = paragraphs.at(-1);
        if (isText && paragraph && skipped === 0) paragraph.text += data;
      },
      onclosetag(name) {
        depth--;
        if (SKIPPED.has(name)) return void skipped--;
        if (skipped > 0) return;
        if (name === 'w:t') isText = false;
        else if (name === 'w:p') {
          const paragraph = paragraphs.pop();
          const text = paragraph?.text.replaceAll('\u00ad', '').trim() ?? '';
          if (text === '') return;
          if (tables > 0) cell.push(text);
          else blocks.push({ text, isHeading: paragraph!.isHeading, page: null });
        } else if (name === 'w:tc' && tables === 1) {
          cells.push(cell.join(' ').replace(/\s+/g, ' '));
          cell = [];
        } else if (name === 'w:tr' && tables === 1) {
          if (cells.some((text) => text !== '')) rows.push(cells.join('\t').trimEnd());
          cells = [];
        } else if (name === 'w:tbl' && --tables === 0) {
          if (rows.length > 0) blocks.push({ text: rows.join('\n'), isHeading: false, page: null });
          rows = [];
        }
      },
    },
    { xmlMode: true },
  );
  parser.end(xml);
  return blocks;
}
