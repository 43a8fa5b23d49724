/** The formats that are read by their bytes, not as text. */
import type { BadRow } from '../../../src-shared/datasets.ts';
import type { RawRow } from '../types.ts';
import { readArrow } from './arrow.ts';
import type { FileNotes } from './notes.ts';
import { readParquet } from './parquet.ts';
import { readXlsx } from './xlsx.ts';

export const BINARY_FORMATS = ['parquet', 'arrow', 'xlsx'] as const;
export type BinaryFormat = (typeof BINARY_FORMATS)[number];

/** Plain data: it can be sent to a thread. */
export interface BinaryFile {
  file: string;
  format: BinaryFormat;
  /** Name of the sheet of a workbook; the first by default. */
  part?: string | undefined;
}

export interface BinaryNoting {
  onHeader: (columns: string[]) => void;
  notes: FileNotes;
  onProgress?: ((doneBytes: number) => void) | undefined;
}

/** Throws what the reader of the format throws. */
export function readBinary({ file, format, part }: BinaryFile, noting: BinaryNoting): AsyncGenerator<RawRow | BadRow> {
  switch (format) {
    case 'parquet':
      return readParquet(file, noting.onProgress);
    case 'arrow':
      return readArrow(file);
    case 'xlsx':
      return readXlsx(file, { part, onHeader: noting.onHeader, notes: noting.notes });
  }
}
