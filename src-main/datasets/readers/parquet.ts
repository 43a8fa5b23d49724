/** Reads Parquet, a row group at a time; hyparquet decodes, compressed pages too. Rows are numbered from 1. */
import fs from 'node:fs/promises';
import { parquetMetadataAsync, parquetReadObjects, parquetSchema } from 'hyparquet';
import type { AsyncBuffer, FileMetaData, SchemaTree } from 'hyparquet';
import { compressors } from 'hyparquet-compressors';
import { GraftError } from '../../../src-shared/errors.ts';
import type { RawRow } from '../types.ts';
import { brokenDataset } from './bytes.ts';
import { plainValue } from './cells.ts';

/** A row group is decoded whole. */
const MOST_GROUP_BYTES = 2 ** 30;
/** A page says how large it unpacks; more than this is no page of a table. */
const MOST_PAGE_BYTES = 2 ** 28;
/** Rows decoded at once. */
const ROWS = 4096;

const bounded = Object.fromEntries(
  Object.entries(compressors).map(([name, unpack]) => [
    name,
    (input: Uint8Array, outputLength: number): Uint8Array => {
      if (outputLength > MOST_PAGE_BYTES) throw new Error(`a page of ${outputLength} bytes`);
      return unpack(input, outputLength);
    },
  ]),
);

/** Throws GraftError DATASET_BROKEN. */
export async function* readParquet(file: string, onProgress?: (doneBytes: number) => void): AsyncGenerator<RawRow> {
  const handle = await fs.open(file);
  try {
    const { size: byteLength } = await handle.stat();
    const buffer: AsyncBuffer = {
      byteLength,
      slice(start, end = byteLength) {
        const part = readPart(handle, start, Math.min(end, byteLength));
        // The library asks for all parts at once and waits for one after the other: a part that fails meanwhile would
        // end the process.
        part.catch(() => undefined);
        return part;
      },
    };
    const metadata = await parquetMetadataAsync(buffer);
    checkColumns(metadata);
    const large = metadata.row_groups.find((group) => Number(group.total_byte_size) > MOST_GROUP_BYTES);
    if (large) throw new Error('a row group of more than 1 GiB; write it with smaller row groups');
    const total = Number(metadata.num_rows);
    let line = 0;
    for (const group of metadata.row_groups) {
      const groupEnd = line + Number(group.num_rows);
      while (line < groupEnd) {
        const rowEnd = Math.min(groupEnd, line + ROWS);
        const rows = await parquetReadObjects({ file: buffer, metadata, compressors: bounded, rowStart: line, rowEnd });
        if (rows.length !== rowEnd - line) throw new Error(`${rows.length} rows where ${rowEnd - line} are promised`);
        for (const row of rows) yield { line: ++line, values: plainValue(row) as RawRow['values'] };
        onProgress?.(Math.floor((byteLength * line) / Math.max(1, total)));
      }
    }
  } catch (error) {
    throw error instanceof GraftError ? error : brokenDataset(file, 'a Parquet file', error);
  } finally {
    await handle.close();
  }
}

async function readPart(handle: fs.FileHandle, start: number, end: number): Promise<ArrayBuffer> {
  if (!Number.isSafeInteger(start) || !Number.isSafeInteger(end)) throw new Error('a part of it lies nowhere');
  const bytes = new Uint8Array(Math.max(0, end - start));
  await handle.read(bytes, 0, bytes.length, start);
  return bytes.buffer;
}

/**
 * Each column chunk is one of the schema's columns, and each is there once: the library reads all at the same time, and
 * what fails in one that belongs nowhere would be caught by nobody.
 */
function checkColumns(metadata: FileMetaData): void {
  const schema = parquetSchema(metadata);
  for (const { columns } of metadata.row_groups) {
    const paths = columns.map(({ meta_data }) => meta_data?.path_in_schema ?? []);
    const names = new Set(paths.map((path) => JSON.stringify(path)));
    if (names.size < paths.length || !paths.every((path) => isColumn(schema, path)))
      throw new Error('its columns are not those of its schema');
  }
}

function isColumn(schema: SchemaTree, path: readonly string[]): boolean {
  let place: SchemaTree | undefined = schema;
  for (const name of path) place = place?.children.find(({ element }) => element.name === name);
  return place !== undefined && place !== schema && place.children.length === 0;
}
