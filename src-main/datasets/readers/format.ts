/** Finds the format of a dataset from its content; the name decides only between texts that look alike. */
import path from 'node:path';
import type { DatasetFormat } from '../../../src-shared/datasets.ts';
import { isKnownColumn } from '../columns.ts';
import type { BinaryFormat } from './binary.ts';
import type { ByteSource } from './bytes.ts';

/** The binary formats, by their first bytes. `isWorkbook`: a ZIP archive with a workbook in it. */
export function binaryFormat(head: Uint8Array, isWorkbook: boolean): BinaryFormat | undefined {
  const start = Buffer.from(head.subarray(0, 8)).toString('latin1');
  if (start.startsWith('PAR1')) return 'parquet';
  // A stream of Arrow begins with the mark of a message, as the shards of Hugging Face's datasets do.
  if (start.startsWith('ARROW1') || start.startsWith('\xff\xff\xff\xff')) return 'arrow';
  return isWorkbook ? 'xlsx' : undefined;
}

/** Bytes that no text has. */
export function isBinary({ head }: ByteSource): boolean {
  return head.includes(0);
}

/** `head`: the beginning of the text. */
export function textFormat(file: string, head: string): DatasetFormat {
  const ext = path.extname(file.replace(/\.(gz|zst|zstd)$/i, '')).toLowerCase();
  const start = head.trimStart();
  const [isLines, isTable, isProse] = [LINES, TABLES, PROSE].map((names) => names.includes(ext));
  // Prose and cells of a table may begin with a bracket, too.
  const isStrict = isTable || isProse;
  const isList = isStrict || isLines ? /^\[\s*(\{|\]|$)/.test(firstLine(start)) : start.startsWith('[');
  if (isList) return isLines && startsWithLine(start) ? 'jsonl' : 'json';
  if (isStrict ? /^\{\s*("|\}|$)/.test(firstLine(start)) : start.startsWith('{')) {
    if (isLines) return firstLine(start).trim() === '{' ? 'json' : 'jsonl';
    // Many files named .json hold one object per line.
    return isWholeValue(firstLine(start)) && !wrapsRows(start) ? 'jsonl' : 'json';
  }
  if (isLines) return !/^\s*\{/m.test(start) && looksLikeTable(start, false) ? 'csv' : 'jsonl';
  if (ext === '.json') return 'json';
  if (isTable) return 'csv';
  if (ext === '.md' || ext === '.markdown') return 'text';
  return looksLikeTable(start, isProse ?? false) ? 'csv' : 'text';
}

const LINES = ['.jsonl', '.ndjson'];
const TABLES = ['.csv', '.tsv'];
const PROSE = ['.txt', '.text', '.md', '.markdown'];

/** A list that is whole in the first line, with more lines after it. */
function startsWithLine(start: string): boolean {
  return start.trimEnd().includes('\n') && isWholeValue(firstLine(start));
}

/** Lines of as many cells each; under a name of prose also a header of columns that training knows. */
function looksLikeTable(start: string, isProse: boolean): boolean {
  const lines = start.split(/\r?\n/, 6);
  const whole = lines.length === 6 ? lines.slice(0, 5) : lines;
  const [header = '', ...rows] = whole.filter((line) => line.trim() !== '');
  if (/^sep=.$/i.test(header)) return true;
  return [',', ';', '\t', '|'].some((delimiter) => {
    const cells = header.split(delimiter).map((cell) => cell.trim().replace(/^"|"$/g, ''));
    if (cells.length < 2) return false;
    if (cells.some((cell) => isKnownColumn(cell))) return true;
    return !isProse && rows.length > 0 && rows.every((row) => row.split(delimiter).length === cells.length);
  });
}

/** `{"data": [{...}]}` in a single line: no row, but an object around the rows. */
function wrapsRows(start: string): boolean {
  if (start.trimEnd().includes('\n')) return false;
  const object = JSON.parse(firstLine(start)) as Record<string, unknown>;
  if (Object.keys(object).some(isKnownColumn)) return false;
  return Object.values(object).some((value) => /^\[?\{/.test(JSON.stringify(value)));
}

function firstLine(text: string): string {
  const end = text.indexOf('\n');
  return end < 0 ? text : text.slice(0, end);
}

function isWholeValue(line: string): boolean {
  try {
    JSON.parse(line);
    return true;
  } catch {
    return false;
  }
}
