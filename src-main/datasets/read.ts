/** Reads a dataset, a file or a folder of files, into raw rows; columns are not interpreted here. */
import { createHash } from 'node:crypto';
import fs from 'node:fs';
import path from 'node:path';
import { fileTypeFromBuffer } from 'file-type';
import { openBytes, emptyDataset } from './readers/bytes.ts';
import { chooseFiles } from './readers/folder.ts';
import { encodingOf } from './readers/encoding.ts';
import { binaryFormat, isBinary, textFormat } from './readers/format.ts';
import { binaryFile, refusedType } from './readers/foreign.ts';
import { FileNotes } from './readers/notes.ts';
import { BINARY_FORMATS, readBinary } from './readers/binary.ts';
import { ColumnNames, MORE_COLUMNS } from './readers/columnNames.ts';
import { readCsv } from './readers/csv.ts';
import { readJsonArray } from './readers/json.ts';
import { readJsonl } from './readers/jsonl.ts';
import { textOf } from './readers/source.ts';
import { readText } from './readers/text.ts';
import { listWithin } from './readers/wrapped.ts';
import { usageError } from '../../src-shared/errors.ts';
import { counted } from '../../src-shared/plural.ts';
import type { BadRow, DatasetFormat, FileRules } from '../../src-shared/datasets.ts';
import type { ByteSource } from './readers/bytes.ts';
import type { RawRow, ReadResult } from './types.ts';

export interface ReadOptions extends FileRules {
  /** Called with the bytes read so far, about four times per MiB. */
  onProgress?: (doneBytes: number) => void;
  /** Called for each piece of a file that is read, also where it is only hashed or its encoding is found. */
  onBytes?: () => void;
  /** Only a few rows are wanted: a text whose beginning is UTF-8 is taken for it without reading all of it. */
  samples?: boolean;
}

/** A file's rows one after the other; `columns`, `sha256` and `notes` are complete once they are exhausted. */
export interface RowStream {
  format: DatasetFormat;
  sizeBytes: number;
  rows: AsyncIterable<RawRow | BadRow>;
  /** In place of `rows`, for whoever parses them elsewhere: the bytes of a JSONL file in UTF-8, unpacked. */
  bytes?: () => AsyncIterable<Uint8Array>;
  compression?: ByteSource['compression'];
  columns: () => string[];
  sha256: () => string;
  /** Rows have no lines of their own, so that `line` is a row's number. */
  sharedLines: () => boolean;
  notes: () => string[];
}

/** For what is known of a file once its rows have been read. */
export async function readToEnd(rows: RowStream['rows']): Promise<void> {
  const left = rows[Symbol.asyncIterator]();
  while (!(await left.next()).done) continue;
}

/** Opens a file or folder for reading its rows once. Throws what readDataset throws. */
export async function openRows(file: string, options: ReadOptions = {}): Promise<RowStream> {
  const isFolder = fs.statSync(file, { throwIfNoEntry: false })?.isDirectory() ?? false;
  return isFolder ? openFolder(file, options) : openFile(file, options);
}

async function openFile(file: string, options: ReadOptions): Promise<RowStream> {
  const source = openBytes(file, options.onBytes);
  const notes = new FileNotes();
  const columns = new ColumnNames(() => notes.add(MORE_COLUMNS));
  let sharedLines = false;
  const note = (names: string[]): void => columns.add(names);
  const { format, rows, encoding } = await chooseReader(source, options, {
    notes,
    note,
    onSharedLine: () => (sharedLines = true),
  });
  return {
    format,
    sizeBytes: source.sizeBytes,
    rows: noted(),
    compression: source.compression,
    ...(format === 'jsonl' && encoding === 'utf-8' ? { bytes: () => source.chunks(options.onProgress) } : {}),
    columns: () => columns.list,
    sha256: () => source.sha256(),
    sharedLines: () => sharedLines || BINARY_FORMATS.some((one) => one === format),
    notes: () => notes.list,
  };

  async function* noted(): AsyncGenerator<RawRow | BadRow> {
    let count = 0;
    for await (const row of rows) {
      count++;
      if ('values' in row) note(Object.keys(row.values));
      yield row;
    }
    if (count === 0) throw emptyDataset(file, columns.list.length > 0 ? 'has a header but no rows' : 'has no rows');
  }
}

interface Noting {
  notes: FileNotes;
  note: (columns: string[]) => void;
  onSharedLine: () => void;
}

type Rows = AsyncIterable<RawRow | BadRow>;

async function chooseReader(
  source: ByteSource,
  { format, part, noHeader, onProgress, samples }: ReadOptions,
  { notes, note, onSharedLine }: Noting,
): Promise<{ format: DatasetFormat; rows: Rows; encoding?: string }> {
  const { file, head, compression } = source;
  const refused = await refusedType(file, head);
  if (refused) throw refused;
  const isWorkbook = (await fileTypeFromBuffer(head).catch(() => undefined))?.ext === 'xlsx';
  const binary = binaryFormat(head, isWorkbook);
  if (binary && compression)
    throw usageError(
      'DATASET_NOT_ROWS',
      `${file} is a compressed ${binary} file, which packs its content itself; unpack it and choose the file inside.`,
      { file },
    );
  const readRows = (): Rows => readBinary({ file, format: binary!, part }, { onHeader: note, notes, onProgress });
  if (binary) {
    return {
      format: binary,
      rows: samples ? readRows() : hashed(readRows()),
    };
  }
  const encoding = await encodingOf(source, samples);
  if (isBinary(source) && !encoding.startsWith('utf-16')) throw binaryFile(file);
  if (encoding !== 'utf-8') notes.add(`read as ${encoding}`);
  const text = (): AsyncIterable<string> => textOf(source, encoding, onProgress);
  const start = new TextDecoder(encoding).decode(head, { stream: true });
  const found = format && !BINARY_FORMATS.some((one) => one === format) ? format : textFormat(file, start);
  return { format: found, rows: textRows(found), encoding };

  function textRows(found: DatasetFormat): Rows {
    switch (found) {
      case 'jsonl':
        return readJsonl(text());
      case 'csv':
        return readCsv(text(), file, { onHeader: note, noHeader: noHeader ?? false });
      case 'text':
        return readText(text());
      default:
        if (!start.trimStart().startsWith('{')) return readJsonArray(text(), file, { onSharedLine });
        return readJsonArray(
          listWithin(text, file, { part, onChosen: (list) => notes.add(`rows of the list ${list}`) }),
          file,
          { isEmbedded: true, onSharedLine },
        );
    }
  }

  /** A reader that goes to and fro in the file: it is hashed beside. */
  async function* hashed(rows: Rows): AsyncGenerator<RawRow | BadRow> {
    const chunks = source.chunks()[Symbol.asyncIterator]();
    while (!(await chunks.next()).done) continue;
    yield* rows;
  }
}

/** The files of a folder one after the other; a row's line is its number among all rows. */
function openFolder(folder: string, options: ReadOptions): RowStream {
  const { files, chosen, others, leftOut } = chooseFiles(folder, options.part);
  const notes = new FileNotes();
  if (chosen !== undefined && others.length > 0) notes.add(`${chosen}; there is also ${others.join(', ')}`);
  const folders = [...new Set(files.map((file) => path.dirname(path.relative(folder, file))))];
  if (folders.length > 1 && formatByName(files[0]!) !== 'text')
    notes.add(`the files of ${counted(folders.length, 'folder')} together: ${firstOf(folders)}`);
  if (leftOut.length > 0) notes.add(`not read: ${firstOf(leftOut)}`);
  const columns = new ColumnNames(() => notes.add(MORE_COLUMNS));
  const formats = new Set<DatasetFormat>();
  const hash = createHash('sha256');
  let digest: string | undefined;
  const sizeBytes = files.reduce((sum, file) => sum + fs.statSync(file).size, 0);
  const format = options.format ?? formatByName(files[0]!);
  return {
    get format() {
      return [...formats][0] ?? format;
    },
    sizeBytes,
    rows: all(),
    columns: () => columns.list,
    sha256: () => (digest ??= hash.digest('hex')),
    // A row's line is its place among all rows.
    sharedLines: () => true,
    notes: () => notes.list,
  };

  async function* all(): AsyncGenerator<RawRow | BadRow> {
    let line = 0;
    let before = 0;
    for (const file of files) {
      const name = path.relative(folder, file);
      if (fs.statSync(file).size === 0) continue;
      const { onProgress, ...rules } = options;
      const stream = await openFile(file, {
        ...rules,
        part: undefined,
        onProgress: (doneBytes) => onProgress?.(before + doneBytes),
      });
      formats.add(stream.format);
      for await (const row of stream.rows) {
        line++;
        if ('values' in row) yield { ...row, line };
        else yield { line, reason: `${name}, line ${row.line}: ${row.reason}` };
      }
      columns.add(stream.columns());
      for (const note of stream.notes()) notes.add(`${name}: ${note}`);
      hash.update(`${name}\n${stream.sha256()}\n`);
      before += stream.sizeBytes;
    }
    if (line === 0) throw emptyDataset(folder, 'has no rows');
  }
}

function firstOf(names: readonly string[]): string {
  return `${names.slice(0, 5).join(', ')}${names.length > 5 ? ` and ${names.length - 5} more` : ''}`;
}

/** Before the first file is opened. */
function formatByName(file: string): DatasetFormat {
  const ext = path
    .extname(file.replace(/\.(gz|zst|zstd)$/i, ''))
    .slice(1)
    .toLowerCase();
  const known: Record<string, DatasetFormat> = {
    parquet: 'parquet',
    arrow: 'arrow',
    csv: 'csv',
    tsv: 'csv',
    json: 'json',
  };
  return known[ext] ?? (/^(txt|text|md|markdown)$/.test(ext) ? 'text' : 'jsonl');
}

/**
 * Rows with their 1-based lines; rows that cannot be parsed are collected in `bad`, not thrown.
 * Throws GraftError: DATASET_NOT_FOUND, DATASET_IS_FOLDER, DATASET_EMPTY, DATASET_ENCODING, DATASET_NOT_ROWS,
 * DATASET_NOT_A_LIST, DATASET_HEADER, DATASET_FORMAT_UNKNOWN, DATASET_PART, DATASET_BROKEN,
 * DATASET_TOO_LARGE, DATASET_UNPACKS_TOO_LARGE.
 */
export async function readDataset(file: string, options: ReadOptions = {}): Promise<ReadResult> {
  const stream = await openRows(file, options);
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
    notes: stream.notes(),
  };
}
