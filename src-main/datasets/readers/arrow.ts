/** Reads Arrow's files (Feather 2) and streams, as Hugging Face's datasets lie on disk. Rows are numbered from 1. */
import fs from 'node:fs/promises';
import { tableFromIPC, type Table } from '@uwdata/flechette';
import { withDeadline } from '../../files/deadline.ts';
import { GraftError } from '../../../src-shared/errors.ts';
import type { RawRow } from '../types.ts';
import { unpackArrow, UnpacksTooLarge } from './arrowUnpack.ts';
import { brokenDataset } from './bytes.ts';
import { plainValue } from './cells.ts';

/** The file is in memory whole, and unpacked where its buffers are compressed. */
const MOST_BYTES = 2 ** 29;

/** A table is views of the bytes, made in milliseconds; a broken one may count to billions. */
const DEADLINE_MS = 500;
const BYTES_PER_MS = 10_000;

/** Throws GraftError DATASET_BROKEN, or DATASET_TOO_LARGE for a file that does not fit. */
export async function* readArrow(file: string): AsyncGenerator<RawRow> {
  const { size } = await fs.stat(file);
  if (size > MOST_BYTES) throw tooLarge(file, 'has');
  try {
    const bytes = await fs.readFile(file);
    const { table, held } = withDeadline(
      () => tableOf(bytes),
      DEADLINE_MS + Math.floor(size / BYTES_PER_MS),
      () => new Error('its counts have no end'),
    );
    // Of the narrowest column a row takes a bit.
    if (table.numRows > 8 * held) throw new Error('it says that it has more rows than it can hold');
    for (let row = 0; row < table.numRows; row++)
      yield { line: row + 1, values: plainValue(table.get(row)) as RawRow['values'] };
  } catch (error) {
    throw error instanceof UnpacksTooLarge ? tooLarge(file, 'unpacks to') : brokenDataset(file, 'an Arrow file', error);
  }
}

/** `held`: bytes that the columns lie in. */
function tableOf(bytes: Uint8Array): { table: Table; held: number } {
  const options = { useBigInt: true, useDate: true };
  try {
    return { table: tableFromIPC(bytes, options), held: bytes.length };
  } catch (error) {
    const isPacked = error instanceof Error && /compress/i.test(error.message);
    if (!isPacked) throw error;
    const unpacked = unpackArrow(bytes, MOST_BYTES);
    const held = unpacked.reduce((sum, { length }) => sum + length, 0);
    return { table: tableFromIPC(unpacked, options), held };
  }
}

function tooLarge(file: string, does: string): GraftError {
  return new GraftError(
    'DATASET_TOO_LARGE',
    `The Arrow file ${file} ${does} more than 512 MiB, which Graft would have to hold in memory; write it as Parquet.`,
    { file },
  );
}
