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
  const isLines = ['.jsonl', '.ndjson'].includes(ext);
  if (isLines) return /^\[\s*(\{|$)/.test(firstLine(start)) && !isWholeValue(firstLine(start)) ? 'json' : 'jsonl';
  const isProse = ['.txt', '.text', '.md', '.markdown'].includes(ext);
  if (start.startsWith('[') && (!isProse || /^\[\s*(\{|\]|$)/.test(start))) return 'json';
  // Many files named .json hold one object per line.
  if (start.startsWith('{')) return isWholeValue(firstLine(start)) && !wrapsRows(start) ? 'jsonl' : 'json';
  if (ext === '.json') return 'json';
  if (ext === '.csv' || ext === '.tsv') return 'csv';
  if (ext === '.md' || ext === '.markdown') return 'text';
  return looksLikeTable(start, isProse) ? 'csv' : 'text';
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
