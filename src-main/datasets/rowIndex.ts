/**
 * A dataset file of any size, open for looking at: its rows by number, in windows, filtered. It is read once, in slices
 * that leave the process responsive; memory holds a few numbers per row, however long the rows are.
 */
import { GraftError } from '../../src-shared/errors.ts';
import { TimeSlice } from './timeSlice.ts';
import { openRows, type ReadOptions } from './read.ts';
import { RowStore } from './rowStore.ts';
import type { BadRow, DatasetFormat } from '../../src-shared/datasets.ts';
import type { RawRow } from './types.ts';

/** A row and its number among the readable rows of the file, from 0. */
export interface IndexedRow extends RawRow {
  index: number;
}

const SLICE_ROWS = 256;

export class RowIndex {
  readonly file: string;
  readonly format: DatasetFormat;
  readonly sizeBytes: number;
  readonly sha256: string;
  /** Column names in order of appearance. */
  readonly columns: readonly string[];
  /** How the file was read where there was a choice. */
  readonly notes: readonly string[];
  /** Rows that cannot be parsed, in file order. */
  readonly bad: readonly BadRow[];
  /** Rows have no lines of their own, so that `line` is a row's number. */
  readonly sharedLines: boolean;
  #store: RowStore;
  #lines: readonly number[];

  constructor(
    facts: Pick<RowIndex, 'file' | 'format' | 'sizeBytes' | 'sha256' | 'columns' | 'notes' | 'bad' | 'sharedLines'>,
    store: RowStore,
    lines: readonly number[],
  ) {
    this.file = facts.file;
    this.format = facts.format;
    this.sizeBytes = facts.sizeBytes;
    this.sha256 = facts.sha256;
    this.columns = facts.columns;
    this.notes = facts.notes;
    this.bad = facts.bad;
    this.sharedLines = facts.sharedLines;
    this.#store = store;
    this.#lines = lines;
  }

  /** Rows that can be parsed. */
  get count(): number {
    return this.#lines.length;
  }

  /** Line of the file on which a row starts. */
  lineOf(index: number): number {
    return this.#lines[index]!;
  }

  /** Rows `offset` to `offset + count`, fewer at the end. */
  window(offset: number, count: number): IndexedRow[] {
    return this.#store.texts(offset, offset + count).map((text, i) => this.#row(offset + i, text));
  }

  /** Throws a usage error ROW_NOT_FOUND. */
  row(index: number): IndexedRow {
    const [row] = this.window(index, 1);
    if (!row)
      throw new GraftError(
        'ROW_NOT_FOUND',
        `${this.file} has no row ${index + 1}; it has ${this.count}.`,
        { file: this.file, index },
        { kind: 'usage' },
      );
    return row;
  }

  /**
   * Every row in order, even where the index is closed meanwhile; other work has its turn in between. Ends early when
   * `signal` is aborted.
   */
  async *rows(signal?: AbortSignal): AsyncGenerator<IndexedRow> {
    const release = this.#store.hold();
    const slice = new TimeSlice();
    try {
      for (let from = 0; from < this.count; from += SLICE_ROWS) {
        for (const [i, text] of this.#store.texts(from, from + SLICE_ROWS).entries()) {
          if (slice.isOver()) await slice.pause();
          if (signal?.aborted) return;
          yield this.#row(from + i, text);
        }
      }
    } finally {
      release();
    }
  }

  /** Numbers of the rows that contain `text` in any column, upper and lower case alike. */
  async matches(text: string): Promise<number[]> {
    const wanted = text.toLowerCase();
    const found: number[] = [];
    for await (const { index, values } of this.rows()) {
      if (Object.values(values).some((value) => cellText(value).toLowerCase().includes(wanted))) found.push(index);
    }
    return found;
  }

  close(): void {
    this.#store.close();
  }

  #row(index: number, text: string): IndexedRow {
    return { index, line: this.#lines[index]!, values: JSON.parse(text) as Record<string, unknown> };
  }
}

/** Reads a file into an index. `dir`: where its rows lie meanwhile. Throws what readDataset throws. */
export async function buildIndex(file: string, dir: string, options: ReadOptions = {}): Promise<RowIndex> {
  const stream = await openRows(file, { ...options, inThread: true });
  const store = new RowStore(dir);
  const lines: number[] = [];
  const bad: BadRow[] = [];
  const slice = new TimeSlice();
  try {
    for await (const row of stream.rows) {
      if ('values' in row) {
        store.push(row.values);
        lines.push(row.line);
      } else bad.push(row);
      if (slice.isOver()) await slice.pause();
    }
    store.flush();
  } catch (error) {
    store.close();
    throw error;
  }
  const { format, sizeBytes } = stream;
  const sharedLines = stream.sharedLines();
  return new RowIndex(
    {
      file,
      format,
      sizeBytes,
      sha256: stream.sha256(),
      columns: stream.columns(),
      notes: stream.notes(),
      bad,
      sharedLines,
    },
    store,
    lines,
  );
}

/** A cell as text: a text as it is, anything else as JSON. */
export function cellText(value: unknown): string {
  if (typeof value === 'string') return value;
  return value === undefined ? '' : JSON.stringify(value);
}
