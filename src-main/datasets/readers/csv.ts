/**
 * Reads CSV and TSV as spreadsheets write them, with a header or without. Records are found here (quoted cells may span
 * lines), so that each knows its line and a broken one costs only itself; csv-parse splits them into cells.
 */
import { parse } from 'csv-parse/sync';
import { GraftError } from '../../../src-shared/errors.ts';
import { counted } from '../../../src-shared/plural.ts';
import type { BadRow } from '../../../src-shared/datasets.ts';
import type { RawRow } from '../types.ts';
import { MOST_ROW_CHARS, TOO_LONG } from './jsonRow.ts';
import { countNewlines } from './source.ts';

interface CsvRecord {
  line: number;
  text: string;
  /** The file ended inside a quoted cell. */
  open: boolean;
  /** Its text was passed over. */
  tooLong: boolean;
}

/** Records parsed at once; a record alone costs csv-parse's start-up time. */
const GROUP = 256;

/**
 * Rows and bad rows in file order. `onHeader` gets the column names before the first row.
 * Throws GraftError DATASET_HEADER when the header cannot be used.
 */
export async function* readCsv(
  chunks: AsyncIterable<string>,
  file: string,
  { onHeader, noHeader }: { onHeader: (columns: string[]) => void; noHeader: boolean },
): AsyncGenerator<RawRow | BadRow> {
  let delimiter = ',';
  let columns: string[] | undefined;
  const group: CsvRecord[] = [];
  for await (const record of splitRecords(
    chunks,
    () => delimiter,
    (header) => (delimiter = detectDelimiter(header)),
  )) {
    if (record.tooLong && columns) {
      yield* parseGroup(group.splice(0), columns, delimiter);
      yield { line: record.line, reason: TOO_LONG };
      continue;
    }
    if (record.text.trim() === '' && !record.tooLong) continue;
    // Excel's own first line says which character stands between cells.
    if (!columns && SEPARATOR_LINE.test(record.text)) continue;
    if (!columns) {
      const first = parseHeader(record, delimiter, file, noHeader);
      columns = noHeader ? first.map((_, i) => `column ${i + 1}`) : first;
      onHeader(columns);
      if (noHeader) group.push(record);
    } else {
      group.push(record);
      if (group.length === GROUP) yield* parseGroup(group.splice(0), columns, delimiter);
    }
  }
  if (columns) yield* parseGroup(group, columns, delimiter);
}

/** `sep=;` */
const SEPARATOR_LINE = /^sep=(.)$/i;

/** The one of comma, semicolon, tab and bar that the header has most of; comma for a single column. */
function detectDelimiter(header: string): string {
  const said = SEPARATOR_LINE.exec(header.trim())?.[1];
  if (said !== undefined) return said;
  const bare = header.replace(/"(?:[^"]|"")*"/g, '');
  const count = (char: string): number => bare.split(char).length - 1;
  return [',', ';', '\t', '|'].reduce((best, char) => (count(char) > count(best) ? char : best));
}

/** Cuts the text at newlines outside quotes. A quote opens a cell only at the cell's start. */
async function* splitRecords(
  chunks: AsyncIterable<string>,
  delimiter: () => string,
  onFirst: (header: string) => void,
): AsyncGenerator<CsvRecord> {
  let text = '';
  let line = 1;
  let quoted = false;
  let cellStart = true;
  let first = true;
  // Of a record that is too long: its lines that were passed over.
  let passed = 0;
  let tooLong = false;
  for await (const chunk of chunks) {
    let start = 0;
    for (let i = 0; i < chunk.length; i++) {
      const char = chunk.charAt(i);
      if (quoted) {
        // A doubled quote closes and opens at once, which leaves the state as it is.
        if (char === '"') quoted = false;
        cellStart = char === '"';
      } else if (char === '"' && cellStart) {
        quoted = true;
      } else if (char === '\n') {
        text += chunk.slice(start, i);
        if (first) onFirst(text);
        first = false;
        yield { line, text: text.replace(/\r$/, ''), open: false, tooLong };
        line += countNewlines(text) + passed + 1;
        [text, passed, tooLong] = ['', 0, false];
        start = i + 1;
        cellStart = true;
      } else {
        cellStart = first ? /[,;\t|]/.test(char) : char === delimiter();
      }
    }
    text += chunk.slice(start);
    if (text.length <= MOST_ROW_CHARS) continue;
    passed += countNewlines(text);
    [text, tooLong] = ['', true];
  }
  if (first) onFirst(text);
  if (text !== '' || tooLong) yield { line, text: text.replace(/\r$/, ''), open: quoted, tooLong };
}

/** `isRow`: it is the first row, whose cells may be alike. */
function parseHeader(record: CsvRecord, delimiter: string, file: string, isRow: boolean): string[] {
  const fail = (why: string): GraftError =>
    new GraftError(
      'DATASET_HEADER',
      `The header of ${file} (line ${record.line}) cannot be used: ${why}; name every column once in the first line.`,
      { file },
    );
  if (record.tooLong) throw fail('it is too long');
  if (record.open) throw fail('a quote is opened and never closed');
  let columns: string[];
  try {
    columns = cells([record], delimiter)
      .flat()
      .map((name) => name.trim());
  } catch (error) {
    throw fail(reasonOf(error));
  }
  const seen = new Set<string>();
  const twice = columns.find((name) => name !== '' && (seen.has(name) || !seen.add(name)));
  if (twice !== undefined && !isRow) throw fail(`the column "${twice}" appears twice`);
  return columns;
}

function* parseGroup(records: CsvRecord[], columns: string[], delimiter: string): Generator<RawRow | BadRow> {
  let parsed: string[][] | undefined;
  try {
    parsed = cells(records, delimiter);
  } catch {
    parsed = undefined; // One of them is broken: each is tried alone below.
  }
  if (parsed?.length === records.length) {
    for (const [i, record] of records.entries()) yield toRow(record, parsed[i] ?? [], columns);
    return;
  }
  for (const record of records) yield parseOne(record, columns, delimiter);
}

function parseOne(record: CsvRecord, columns: string[], delimiter: string): RawRow | BadRow {
  if (record.open) {
    const lines = countNewlines(record.text.trimEnd());
    const hidden = lines > 0 ? `, which hides the ${counted(lines, 'line')} after it` : '';
    return { line: record.line, reason: `a quote is opened and never closed${hidden}` };
  }
  try {
    return toRow(record, cellsOf(record, delimiter), columns);
  } catch (error) {
    return { line: record.line, reason: `not valid CSV: ${reasonOf(error)}` };
  }
}

function toRow(record: CsvRecord, values: string[], columns: string[]): RawRow | BadRow {
  if (values.length !== columns.length) {
    return { line: record.line, reason: `${counted(values.length, 'cell')} where the header has ${columns.length}` };
  }
  return {
    line: record.line,
    values: Object.fromEntries(columns.map((name, i) => [name, values[i]!]).filter(([name]) => name !== '')),
  };
}

/** `5" wide`: a quote that does not open its cell is a character, as for spreadsheets. */
function cellsOf(record: CsvRecord, delimiter: string): string[] {
  try {
    return cells([record], delimiter).flat();
  } catch (error) {
    if (codeOf(error) !== 'INVALID_OPENING_QUOTE') throw error;
    return cells([record], delimiter, true).flat();
  }
}

function cells(records: CsvRecord[], delimiter: string, relaxed = false): string[][] {
  const text = records.map((record) => record.text).join('\n');
  return parse(text, {
    delimiter,
    record_delimiter: '\n',
    relax_column_count: true,
    max_record_size: 0,
    relax_quotes: relaxed,
  });
}

/** csv-parse counts lines within what it was given, which would mislead. */
function reasonOf(error: unknown): string {
  const code = codeOf(error);
  if (code === 'CSV_INVALID_CLOSING_QUOTE')
    return 'text follows a closing quote (write a quote inside a quoted cell twice)';
  if (code === 'CSV_QUOTE_NOT_CLOSED') return 'a quote is opened and never closed';
  return error instanceof Error ? error.message : String(error);
}

function codeOf(error: unknown): unknown {
  return error instanceof Error && 'code' in error ? error.code : undefined;
}
