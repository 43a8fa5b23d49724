/** A new version of a dataset: rows of an older one with changes, written as JSONL in one step. */
import { createHash } from 'node:crypto';
import fs from 'node:fs';
import path from 'node:path';
import { syncFolder, temporaryNameFor } from '../files.ts';
import type { RowIndex } from './rowIndex.ts';

export type RowValues = Record<string, unknown>;

/** Row numbers are those of the version that the edits start from. */
export interface RowEdits {
  changed: { index: number; values: RowValues }[];
  /** Ranges, the end not included. */
  removed: [from: number, to: number][];
  /** At the end, in this order. */
  added: RowValues[];
}

export interface WrittenRows {
  rows: number;
  sha256: string;
  sizeBytes: number;
}

const BUFFER_CHARS = 1 << 20;

/** Writes the edited rows to `target`; a failure leaves nothing behind. */
export async function writeEdited(index: RowIndex, edits: RowEdits, target: string): Promise<WrittenRows> {
  fs.mkdirSync(path.dirname(target), { recursive: true });
  const temporary = temporaryNameFor(target);
  const fd = fs.openSync(temporary, 'wx');
  try {
    const written = await writeRows(fd, editedRows(index, edits));
    fs.fsyncSync(fd);
    fs.closeSync(fd);
    fs.renameSync(temporary, target);
    syncFolder(path.dirname(target));
    return written;
  } catch (error) {
    fs.rmSync(temporary, { force: true });
    throw error;
  }
}

async function* editedRows(index: RowIndex, { changed, removed, added }: RowEdits): AsyncGenerator<RowValues> {
  const changes = new Map(changed.map((change) => [change.index, change.values]));
  const ranges = [...removed].sort((a, b) => a[0] - b[0]);
  let next = 0;
  for await (const row of index.rows()) {
    while (next < ranges.length && ranges[next]![1] <= row.index) next++;
    const range = ranges[next];
    if (range && range[0] <= row.index) continue;
    yield changes.get(row.index) ?? row.values;
  }
  yield* added;
}

async function writeRows(fd: number, rows: AsyncIterable<RowValues>): Promise<WrittenRows> {
  const hash = createHash('sha256');
  let text = '';
  let sizeBytes = 0;
  let count = 0;
  const flush = (): void => {
    const bytes = Buffer.from(text);
    hash.update(bytes);
    fs.writeFileSync(fd, bytes);
    sizeBytes += bytes.length;
    text = '';
  };
  for await (const row of rows) {
    text += `${JSON.stringify(row)}\n`;
    count++;
    if (text.length >= BUFFER_CHARS) flush();
  }
  flush();
  return { rows: count, sha256: hash.digest('hex'), sizeBytes };
}

/** Sorted numbers as ranges, the end not included. */
export function rangesOf(indices: readonly number[]): [number, number][] {
  const ranges: [number, number][] = [];
  for (const index of indices) {
    const last = ranges.at(-1);
    if (last && last[1] === index) last[1] = index + 1;
    else ranges.push([index, index + 1]);
  }
  return ranges;
}
