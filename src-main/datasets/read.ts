/** Reads a dataset file into raw rows, whatever its format; columns are not interpreted here. */
import { openTextSource, emptyDataset } from './readers/source.ts';
import { detectFormat } from './readers/format.ts';
import { readCsv } from './readers/csv.ts';
import { readJsonArray } from './readers/json.ts';
import { readJsonl } from './readers/jsonl.ts';
import type { BadRow, DatasetFormat } from '../../src-shared/datasets.ts';
import type { RawRow, ReadResult } from './types.ts';

export interface ReadOptions {
  format?: DatasetFormat | undefined;
  /** Called with the bytes read so far, about four times per MiB. */
  onProgress?: (doneBytes: number) => void;
}

/** A file's rows one after the other; `columns` and `sha256` are complete once they are exhausted. */
export interface RowStream {
  format: DatasetFormat;
  sizeBytes: number;
  rows: AsyncIterable<RawRow | BadRow>;
  columns: () => string[];
  sha256: () => string;
  /** Rows share lines, so that `line` is a row's place in the list. */
  sharedLines: () => boolean;
}

/** Opens a file for reading its rows once. Throws what readDataset throws. */
export function openRows(file: string, options: ReadOptions = {}): RowStream {
  const source = openTextSource(file);
  const format = options.format ?? detectFormat(file, source.head);
  const columns = new Set<string>();
  let sharedLines = false;
  const note = (names: string[]): void => names.forEach((name) => columns.add(name));
  return {
    format,
    sizeBytes: source.sizeBytes,
    rows: noted(),
    columns: () => [...columns].filter((name) => name !== ''),
    sha256: () => source.sha256(),
    sharedLines: () => sharedLines,
  };

  async function* noted(): AsyncGenerator<RawRow | BadRow> {
    let count = 0;
    for await (const row of reader(format, source.chunks(options.onProgress), file, {
      onHeader: note,
      onSharedLine: () => (sharedLines = true),
    })) {
      count++;
      if ('values' in row) note(Object.keys(row.values));
      yield row;
    }
    if (count === 0) throw emptyDataset(file, columns.size > 0 ? 'has a header but no rows' : 'has no rows');
  }
}

/**
 * Rows with their 1-based lines; rows that cannot be parsed are collected in `bad`, not thrown.
 * Throws GraftError: DATASET_NOT_FOUND, DATASET_IS_FOLDER, DATASET_EMPTY, DATASET_ENCODING, DATASET_FORMAT_UNKNOWN,
 * DATASET_NOT_A_LIST, DATASET_HEADER.
 */
export async function readDataset(file: string, options: ReadOptions = {}): Promise<ReadResult> {
  const stream = openRows(file, options);
  const rows: RawRow[] = [];
  const bad: BadRow[] = [];
  for await (const row of stream.rows) {
    if ('values' in row) rows.push(row);
    else bad.push(row);
  }
  return {
    file,
    format: stream.format,
    sizeBytes: stream.sizeBytes,
    sha256: stream.sha256(),
    rows,
    bad,
    columns: stream.columns(),
    sharedLines: stream.sharedLines(),
  };
}

function reader(
  format: DatasetFormat,
  chunks: AsyncIterable<string>,
  file: string,
  { onHeader, onSharedLine }: { onHeader: (columns: string[]) => void; onSharedLine: () => void },
): AsyncIterable<RawRow | BadRow> {
  switch (format) {
    case 'jsonl':
      return readJsonl(chunks);
    case 'json':
      return readJsonArray(chunks, file, onSharedLine);
    case 'csv':
      return readCsv(chunks, file, onHeader);
  }
}
