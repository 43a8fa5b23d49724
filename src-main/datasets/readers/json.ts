/**
 * Reads a JSON list of objects element by element, so that a broken element costs only itself and every row knows the
 * line it starts on. Only the limits of elements are found here; JSON.parse judges what is inside.
 */
import { GraftError } from '../../../src-shared/errors.ts';
import type { BadRow } from '../../../src-shared/datasets.ts';
import type { RawRow } from '../types.ts';
import { MOST_ROW_CHARS, parseJsonRow, TOO_LONG } from './jsonRow.ts';
import { numberedRows } from './rowNumbers.ts';

/**
 * Rows and bad rows in file order; `onSharedLine` is called where their numbers are places in the list. `isEmbedded`:
 * text after the list is of what it stands in. Throws GraftError DATASET_NOT_A_LIST when the file is no JSON list.
 */
export function readJsonArray(
  chunks: AsyncIterable<string>,
  file: string,
  { isEmbedded = false, onSharedLine = () => undefined }: { isEmbedded?: boolean; onSharedLine?: () => void } = {},
): AsyncGenerator<RawRow | BadRow> {
  return numberedRows(elements(chunks, file, isEmbedded), onSharedLine);
}

async function* elements(
  chunks: AsyncIterable<string>,
  file: string,
  isEmbedded: boolean,
): AsyncGenerator<RawRow | BadRow> {
  const scanner = new ElementScanner(file, isEmbedded);
  for await (const chunk of chunks) yield* scanner.feed(chunk);
  yield* scanner.end();
}

class ElementScanner {
  private file: string;
  private line = 1;
  /** 0 before the list, 1 in it, more inside an element, -1 after it. */
  private depth = 0;
  private inString = false;
  private escaped = false;
  private element = '';
  private elementChars = 0;
  private elementLine = 0;
  private strayAfterEnd = false;
  private isEmbedded: boolean;

  constructor(file: string, isEmbedded: boolean) {
    this.file = file;
    this.isEmbedded = isEmbedded;
  }

  *feed(chunk: string): Generator<RawRow | BadRow> {
    let start = 0;
    for (let i = 0; i < chunk.length; i++) {
      const char = chunk.charAt(i);
      const wasInElement = this.elementLine > 0;
      if (!wasInElement && !this.isSpace(char)) start = i;
      const ends = this.step(char);
      if (ends) {
        if (wasInElement) yield this.finish(chunk.slice(start, i));
      }
      if (char === '\n') this.line++;
    }
    if (this.elementLine > 0) this.take(chunk.slice(start));
  }

  /** What is left at the end of the file. */
  *end(): Generator<BadRow> {
    if (this.depth === 0) throw notAList(this.file);
    if (this.depth > 0)
      yield {
        line: this.elementLine || this.line,
        reason: 'not valid JSON: the file ends before the list is closed with "]"',
      };
    if (this.strayAfterEnd) yield { line: this.line, reason: 'text follows after the end of the list' };
  }

  /** Advances by one character; true when it ends an element (a comma or the closing bracket of the list). */
  private step(char: string): boolean {
    if (this.inString) {
      this.stepString(char);
      return false;
    }
    if (this.isSpace(char)) return false;
    if (this.depth === 0) {
      if (char !== '[') throw notAList(this.file);
      this.depth = 1;
      return false;
    }
    if (this.depth < 0) {
      this.strayAfterEnd = !this.isEmbedded;
      return false;
    }
    if (this.depth === 1 && char === ',') return true;
    if (this.depth === 1 && char === ']') {
      this.depth = -1;
      return true;
    }
    if (this.elementLine === 0) this.elementLine = this.line;
    if (char === '"') this.inString = true;
    else if (char === '{' || char === '[') this.depth++;
    else if ((char === '}' || char === ']') && this.depth > 1) this.depth--;
    return false;
  }

  private stepString(char: string): void {
    if (this.escaped) this.escaped = false;
    else if (char === '\\') this.escaped = true;
    // A JSON string cannot span lines: ending it here keeps a forgotten quote from swallowing the other rows.
    else if (char === '"' || char === '\n') this.inString = false;
  }

  private take(text: string): void {
    this.elementChars += text.length;
    this.element = this.elementChars > MOST_ROW_CHARS ? '' : this.element + text;
  }

  private finish(tail: string): RawRow | BadRow {
    const line = this.elementLine;
    this.take(tail);
    const text = this.element.trimEnd();
    const isTooLong = this.elementChars > MOST_ROW_CHARS;
    this.element = '';
    this.elementChars = 0;
    this.elementLine = 0;
    if (isTooLong) return { line, reason: TOO_LONG };
    return { line, ...parseJsonRow(text, line) };
  }

  private isSpace(char: string): boolean {
    return char === ' ' || char === '\n' || char === '\r' || char === '\t';
  }
}

export function notAList(file: string): GraftError {
  return new GraftError(
    'DATASET_NOT_A_LIST',
    `${file} is not a JSON list of rows; write the rows as [{...}, {...}], also under a ` +
      `key of an object, or one object per line in a .jsonl file.`,
    { file },
  );
}
