/** Reads a dataset file once: its rows into a file of rows, what is known of them into an index. */
import { GraftError } from '../../src-shared/errors.ts';
import { BadRows } from './badRows.ts';
import { openRows, type ReadOptions } from './read.ts';
import type { IndexContent } from './rowIndex.ts';
import { NumberList, RowWriter } from './rowStore.ts';
import { TimeSlice } from './timeSlice.ts';

/** A survey needs up to 300 bytes for each of them. */
const MOST_ROWS = 40_000_000;

interface IndexOptions extends ReadOptions {
  /** Called for each row, good or bad. */
  onRow?: () => void;
}

/** `fd`: an empty file in `dir` for the rows. Throws what readDataset throws, DATASET_TOO_LARGE or DISK_FULL. */
export async function readIndex(
  file: string,
  { fd, dir }: { fd: number; dir: string },
  options: IndexOptions = {},
): Promise<IndexContent> {
  const stream = await openRows(file, options);
  const writer = new RowWriter(fd, dir);
  const lines = new NumberList();
  const bad = new BadRows();
  const slice = new TimeSlice();
  for await (const row of stream.rows) {
    if ('values' in row) {
      if (lines.count === MOST_ROWS) throw tooManyRows(file);
      writer.push(row.values);
      lines.push(row.line);
    } else bad.add(row);
    options.onRow?.();
    if (slice.isOver()) await slice.pause();
  }
  const starts = writer.finish();
  const { format, sizeBytes } = stream;
  const facts = {
    file,
    format,
    sizeBytes,
    sha256: stream.sha256(),
    columns: stream.columns(),
    notes: stream.notes(),
    bad: bad.kept,
    badCount: bad.count,
    sharedLines: stream.sharedLines(),
  };
  return { facts, starts, lines: lines.shared() };
}

function tooManyRows(file: string): GraftError {
  return new GraftError(
    'DATASET_TOO_LARGE',
    `${file} has more than ${MOST_ROWS / 1e6} million rows, which Graft does not look at; save its rows in smaller ` +
      'parts.',
    { file },
  );
}
