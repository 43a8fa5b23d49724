/** Reads a dataset file into raw rows, whatever its format; columns are not interpreted here. */
import { openTextSource, emptyDataset } from './readers/source.ts';
import { detectFormat } from './readers/format.ts';
import { readCsv } from './readers/csv.ts';
import { readJsonArray } from './readers/json.ts';
import { readJsonl } from './readers/jsonl.ts';
import type { BadRow, DatasetFormat, RawRow, ReadResult } from './types.ts';

/**
 * Rows with their 1-based lines; rows that cannot be parsed are collected in `bad`, not thrown.
 * Throws GraftError: DATASET_NOT_FOUND, DATASET_IS_FOLDER, DATASET_EMPTY, DATASET_ENCODING, DATASET_FORMAT_UNKNOWN,
 * DATASET_NOT_A_LIST, DATASET_HEADER.
 */
export async function readDataset(file: string, options: { format?: DatasetFormat } = {}): Promise<ReadResult> {
  const source = openTextSource(file);
  const format = options.format ?? detectFormat(file, source.head);
  const rows: RawRow[] = [];
  const bad: BadRow[] = [];
  const columns = new Set<string>();
  const noteColumns = (names: string[]): void => names.forEach((name) => columns.add(name));
  for await (const row of reader(format, source.chunks(), file, noteColumns)) {
    if ('values' in row) {
      rows.push(row);
      noteColumns(Object.keys(row.values));
    } else {
      bad.push(row);
    }
  }
  if (rows.length === 0 && bad.length === 0) {
    throw emptyDataset(file, columns.size > 0 ? 'has a header but no rows' : 'has no rows');
  }
  columns.delete('');
  return { file, format, sizeBytes: source.sizeBytes, sha256: source.sha256(), rows, bad, columns: [...columns] };
}

function reader(format: DatasetFormat, chunks: AsyncIterable<string>, file: string, onHeader: (columns: string[]) => void): AsyncIterable<RawRow | BadRow> {
  switch (format) {
    case 'jsonl':
      return readJsonl(chunks);
    case 'json':
      return readJsonArray(chunks, file);
    case 'csv':
      return readCsv(chunks, file, onHeader);
  }
}
