/** A file's rows in stretches of about a megabyte each, so that whatever its size only a few are in memory. */
import type { BadRow } from '../../../src-shared/datasets.ts';
import type { RowStream } from '../read.ts';
import { MOST_ROW_CHARS, TOO_LONG } from '../readers/jsonRow.ts';
import type { RawRow } from '../types.ts';
import type { Block } from './tokeniseBlock.ts';

const BLOCK_BYTES = 1 << 20;
const BLOCK_ROWS = 512;
/** A line of more bytes has too many characters, whichever they are. */
const MOST_LINE_BYTES = 3 * MOST_ROW_CHARS;
const LINE_FEED = 0x0a;

/** In file order. A JSONL file comes as lines that nobody has looked into. */
export function blocksOf(stream: RowStream): AsyncGenerator<Block> {
  return stream.bytes ? lineBlocks(stream.bytes()) : rowBlocks(stream.rows);
}

async function* rowBlocks(rows: AsyncIterable<RawRow | BadRow>): AsyncGenerator<Block> {
  let held: (RawRow | BadRow)[] = [];
  let chars = 0;
  for await (const row of rows) {
    held.push(row);
    if ('values' in row) for (const value of Object.values(row.values)) chars += sizeOf(value);
    if (held.length < BLOCK_ROWS && chars < BLOCK_BYTES) continue;
    yield { rows: held };
    [held, chars] = [[], 0];
  }
  if (held.length > 0) yield { rows: held };
}

function sizeOf(value: unknown): number {
  if (typeof value === 'string') return value.length;
  return typeof value === 'object' && value !== null ? JSON.stringify(value).length : 8;
}

async function* lineBlocks(chunks: AsyncIterable<Uint8Array>): AsyncGenerator<Block> {
  let held: Uint8Array[] = [];
  let heldBytes = 0;
  /** Where in the file the bytes that are held begin. */
  let firstByte = 0;
  let line = 1;
  let passesOver = false;
  const take = (bytes: Uint8Array): void => {
    held.push(bytes);
    heldBytes += bytes.length;
  };
  for await (let chunk of chunks) {
    if (passesOver) {
      const end = chunk.indexOf(LINE_FEED);
      firstByte += end < 0 ? chunk.length : end + 1;
      if (end < 0) continue;
      yield { rows: [{ line: line++, reason: TOO_LONG }] };
      passesOver = false;
      chunk = chunk.subarray(end + 1);
    }
    const last = chunk.lastIndexOf(LINE_FEED);
    if (last < 0 || heldBytes + last < BLOCK_BYTES) {
      take(chunk);
      if (last >= 0 || heldBytes <= MOST_LINE_BYTES) continue;
      const whole = joined(held);
      const end = whole.lastIndexOf(LINE_FEED) + 1;
      if (end > 0) yield { bytes: whole.subarray(0, end), firstLine: line, firstByte };
      line += linesIn(whole.subarray(0, end));
      passesOver = whole.length - end > MOST_LINE_BYTES;
      firstByte += passesOver ? whole.length : end;
      [held, heldBytes] = passesOver ? [[], 0] : [[whole.subarray(end)], whole.length - end];
      continue;
    }
    take(chunk.subarray(0, last + 1));
    const bytes = joined(held);
    yield { bytes, firstLine: line, firstByte };
    line += linesIn(bytes);
    firstByte += bytes.length;
    [held, heldBytes] = [[], 0];
    take(chunk.subarray(last + 1));
  }
  if (passesOver) yield { rows: [{ line, reason: TOO_LONG }] };
  else if (heldBytes > 0) yield { bytes: joined(held), firstLine: line, firstByte };
}

/** In memory that threads share. */
function joined(parts: readonly Uint8Array[]): Uint8Array {
  const whole = new Uint8Array(new SharedArrayBuffer(parts.reduce((sum, { length }) => sum + length, 0)));
  let at = 0;
  for (const part of parts) {
    whole.set(part, at);
    at += part.length;
  }
  return whole;
}

function linesIn(bytes: Uint8Array): number {
  let lines = 0;
  for (let at = bytes.indexOf(LINE_FEED); at >= 0; at = bytes.indexOf(LINE_FEED, at + 1)) lines++;
  return lines;
}
