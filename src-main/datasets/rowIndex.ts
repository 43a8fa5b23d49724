/**
 * A dataset file of any size, open for looking at: its rows by number, in windows, filtered. Memory holds a few numbers
 * per row, however long the rows are. readIndex.ts makes it, in a thread.
 */
import { GraftError } from '../../src-shared/errors.ts';
import { TimeSlice } from './timeSlice.ts';
import { rowTexts } from './rowStore.ts';
import type { RowFile } from './rowFile.ts';
import type { BadRow, DatasetFormat } from '../../src-shared/datasets.ts';
import type { RawRow } from './types.ts';

/** A row and its number among the readable rows of the file, from 0. */
export interface IndexedRow extends RawRow {
  index: number;
}

interface IndexFacts {
  file: string;
  format: DatasetFormat;
  sizeBytes: number;
  sha256: string;
  /** Column names in order of appearance. */
  columns: readonly string[];
  /** How the file was read where there was a choice. */
  notes: readonly string[];
  /** The first rows that cannot be parsed, in file order, and how many there are in all. */
  bad: readonly BadRow[];
  badCount: number;
  /** Rows have no lines of their own, so that `line` is a row's number. */
  sharedLines: boolean;
}

/** Plain data that threads send each other, its arrays shared. */
export interface IndexContent {
  facts: IndexFacts;
  /** Where each row starts in the file of rows, and where the last one ends. */
  starts: Float64Array;
  /** Line of the dataset's file on which each row starts. */
  lines: Float64Array;
}

/** The file of rows; a thread that was given its number only reads it. */
type HeldFile = Pick<RowFile, 'fd' | 'isOpen' | 'hold' | 'close'>;

/** Rows read at once, and the bytes beyond which they are fewer. */
const SLICE_ROWS = 256;
const SLICE_BYTES = 2 ** 20;

export class RowIndex implements IndexFacts {
  readonly file: string;
  readonly format: DatasetFormat;
  readonly sizeBytes: number;
  readonly sha256: string;
  readonly columns: readonly string[];
  readonly notes: readonly string[];
  readonly bad: readonly BadRow[];
  readonly badCount: number;
  readonly sharedLines: boolean;
  readonly content: IndexContent;
  readonly rowFile: HeldFile;

  constructor(content: IndexContent, rowFile: HeldFile) {
    const { facts } = content;
    this.file = facts.file;
    this.format = facts.format;
    this.sizeBytes = facts.sizeBytes;
    this.sha256 = facts.sha256;
    this.columns = facts.columns;
    this.notes = facts.notes;
    this.bad = facts.bad;
    this.badCount = facts.badCount;
    this.sharedLines = facts.sharedLines;
    this.content = content;
    this.rowFile = rowFile;
  }

  /** Rows that can be parsed. */
  get count(): number {
    return this.content.lines.length;
  }

  /** Line of the file on which a row starts. */
  lineOf(index: number): number {
    return this.content.lines[index]!;
  }

  /** Rows `offset` to `offset + count`, fewer at the end. */
  window(offset: number, count: number): IndexedRow[] {
    return this.#texts(offset, offset + count).map((text, i) => this.#row(offset + i, text));
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

  /** Every row in order, even where the index is closed meanwhile; other work has its turn in between. */
  async *rows(): AsyncGenerator<IndexedRow> {
    const release = this.rowFile.hold();
    const slice = new TimeSlice();
    try {
      for (let from = 0; from < this.count;) {
        const to = this.#sliceEnd(from);
        for (const [i, text] of this.#texts(from, to).entries()) {
          if (slice.isOver()) await slice.pause();
          yield this.#row(from + i, text);
        }
        from = to;
      }
    } finally {
      release();
    }
  }

  /** Numbers of the rows that contain `text` in any column, upper and lower case alike. `onRow`: for each row read. */
  async matches(text: string, onRow: () => void = () => undefined): Promise<number[]> {
    const wanted = text.toLowerCase();
    const found: number[] = [];
    for await (const { index, values } of this.rows()) {
      if (Object.values(values).some((value) => cellText(value).toLowerCase().includes(wanted))) found.push(index);
      onRow();
    }
    return found;
  }

  close(): void {
    this.rowFile.close();
  }

  #sliceEnd(from: number): number {
    const { starts } = this.content;
    let to = from + 1;
    while (to < this.count && to - from < SLICE_ROWS && starts[to + 1]! - starts[from]! < SLICE_BYTES) to++;
    return to;
  }

  #texts(from: number, to: number): string[] {
    if (!this.rowFile.isOpen) throw new Error('the index is closed');
    return rowTexts(this.rowFile.fd, this.content.starts, from, to);
  }

  #row(index: number, text: string): IndexedRow {
    return { index, line: this.lineOf(index), values: JSON.parse(text) as Record<string, unknown> };
  }
}

/** A cell as text: a text as it is, anything else as JSON. */
export function cellText(value: unknown): string {
  if (typeof value === 'string') return value;
  return value === undefined ? '' : JSON.stringify(value);
}
