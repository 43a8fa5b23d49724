/** A new version of a dataset: rows of an older one with changes, written as JSONL in one step. */
import { createHash } from 'node:crypto';
import fs from 'node:fs';
import { open, type FileHandle } from 'node:fs/promises';
import path from 'node:path';
import { syncFolder, temporaryNameFor } from '../files/writeWhole.ts';
import type { RowIndex } from './rowIndex.ts';

type RowValues = Record<string, unknown>;

/** Row numbers are those of the version that the edits start from. */
export interface RowEdits {
  changed: { index: number; values: RowValues }[];
  /** 1 for each row that is left out, by its number. */
  removed: Uint8Array;
  /** At the end, in this order. */
  added: RowValues[];
}

export interface WrittenRows {
  rows: number;
  sha256: string;
  sizeBytes: number;
}

const BUFFER_CHARS = 1 << 18;

/** Writes the edited rows to `target`; a failure leaves nothing behind. */
export async function writeEdited(index: RowIndex, edits: RowEdits, target: string): Promise<WrittenRows> {
  fs.mkdirSync(path.dirname(target), { recursive: true });
  const temporary = temporaryNameFor(target);
  const file = await open(temporary, 'wx');
  try {
    const written = await writeRows(file, editedRows(index, edits)).finally(() => file.close());
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
  for await (const row of index.rows()) {
    if (!removed[row.index]) yield changes.get(row.index) ?? row.values;
  }
  yield* added;
}

async function writeRows(file: FileHandle, rows: AsyncIterable<RowValues>): Promise<WrittenRows> {
  const hash = createHash('sha256');
  let text = '';
  let sizeBytes = 0;
  let count = 0;
  const flush = async (): Promise<void> => {
    const bytes = Buffer.from(text);
    text = '';
    hash.update(bytes);
    await file.writeFile(bytes);
    sizeBytes += bytes.length;
  };
  for await (const row of rows) {
    text += `${JSON.stringify(row)}\n`;
    count++;
    if (text.length >= BUFFER_CHARS) await flush();
  }
  await flush();
  // Not the synchronous one: a slow disk takes its time.
  await file.sync();
  return { rows: count, sha256: hash.digest('hex'), sizeBytes };
}

/** Row numbers from `from` on, `to` not included. */
export type RowRange = [from: number, to: number];

/** 1 for each of `count` rows that is in one of the ranges. */
export function rowsIn(ranges: readonly RowRange[], count: number): Uint8Array {
  const rows = new Uint8Array(count);
  for (const [from, to] of ranges) rows.fill(1, from, to);
  return rows;
}

/** Sorted numbers as ranges. */
export function rangesOf(indices: Iterable<number>): RowRange[] {
  const ranges: RowRange[] = [];
  for (const index of indices) {
    const last = ranges.at(-1);
    if (last && last[1] === index) last[1] = index + 1;
    else ranges.push([index, index + 1]);
  }
  return ranges;
}
