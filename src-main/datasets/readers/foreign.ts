/** Files that are no rows: what they are, told from their content, and what to do with them. */
import { fileTypeFromBuffer } from 'file-type';
import { GraftError } from '../../../src-shared/errors.ts';

type Named = [what: string, todo: string];

const TEXT = 'save its text as .txt or .md, or its table as .csv, and choose that';
const DOCUMENT = 'add it under Documents, or with "graft datasets documents", which makes rows of its text';
const UNPACK = 'unpack it and choose the file or the folder inside';
const TABLE = 'save the table as .csv, .xlsx or Parquet and choose that';

const BY_EXTENSION: Record<string, Named> = {
  pdf: ['a PDF document', DOCUMENT],
  docx: ['a Word document', DOCUMENT],
  pptx: ['a PowerPoint presentation', TEXT],
  odt: ['an OpenDocument text', TEXT],
  ods: ['an OpenDocument spreadsheet', TABLE],
  rtf: ['an RTF document', TEXT],
  epub: ['an e-book', TEXT],
  cfb: ['an old Office document (.doc, .xls)', 'save it as .xlsx, .csv or .txt and choose that'],
  zip: ['a ZIP archive', UNPACK],
  tar: ['a tar archive', UNPACK],
  '7z': ['a 7-Zip archive', UNPACK],
  rar: ['a RAR archive', UNPACK],
  bz2: ['compressed with bzip2', UNPACK],
  xz: ['compressed with xz', UNPACK],
  lz4: ['compressed with LZ4', UNPACK],
  sqlite: ['an SQLite database', 'export the table as .csv and choose that'],
  avro: ['an Avro file', TABLE],
  xml: ['an XML file', TABLE],
};

const MEDIA: Record<string, string> = { image: 'an image', audio: 'a sound', video: 'a video', font: 'a font' };

const MAGIC: [bytes: string, Named][] = [
  ['\x80\x02', ['a Python pickle, which can run programs and is therefore not opened', TABLE]],
  ['\x80\x03', ['a Python pickle, which can run programs and is therefore not opened', TABLE]],
  ['\x80\x04', ['a Python pickle, which can run programs and is therefore not opened', TABLE]],
  ['\x80\x05', ['a Python pickle, which can run programs and is therefore not opened', TABLE]],
  ['\x93NUMPY', ['a NumPy array', 'write the rows as JSONL and choose that']],
  ['\x89HDF', ['an HDF5 file', TABLE]],
  ['FEA1', ['a Feather file of the first version', 'write it again as Feather version 2 or Parquet']],
  ['GGUF', ['a GGUF model, not a dataset', 'add it on the page of models, or choose a file with rows']],
  ['%PDF', BY_EXTENSION['pdf']!],
  ['{\\rtf', BY_EXTENSION['rtf']!],
  ['version https://git-lfs', ['a Git LFS pointer, not the file itself', 'fetch it with "git lfs pull"']],
];

/** The sentence about a file that holds no rows; undefined where it may be text. `head`: its beginning, unpacked. */
export async function refusedType(file: string, head: Uint8Array): Promise<GraftError | undefined> {
  const start = Buffer.from(head.subarray(0, 512)).toString('latin1');
  const magic = MAGIC.find(([bytes]) => start.startsWith(bytes));
  if (magic) return refusal(file, magic[1]);
  if (/^\s*<(!doctype html|html)[\s>]/i.test(start))
    return refusal(file, [
      'a web page, not a file of rows',
      'download the file itself, logged in where that is needed',
    ]);
  if (isSafetensors(head)) return refusal(file, ['a safetensors file: weights, not rows', 'choose a file with rows']);
  const type = await fileTypeFromBuffer(head).catch(() => undefined);
  if (type && ['xlsx', 'parquet', 'arrow', 'csv', 'txt'].includes(type.ext)) return undefined;
  const named = type && (BY_EXTENSION[type.ext] ?? mediaOf(type.mime));
  if (named) return refusal(file, named);
  if (type) return refusal(file, [`a ${type.ext.toUpperCase()} file (${type.mime})`, TABLE]);
  return undefined;
}

/** A file whose bytes are no text of any encoding. */
export function binaryFile(file: string): GraftError {
  return new GraftError(
    'DATASET_FORMAT_UNKNOWN',
    `${file} is binary data of a kind that Graft does not know; ${TABLE}.`,
    { file },
  );
}

function refusal(file: string, [what, todo]: Named): GraftError {
  return new GraftError('DATASET_NOT_ROWS', `${file} is ${what}; ${todo}.`, { file });
}

function mediaOf(mime: string): Named | undefined {
  const what = MEDIA[mime.split('/')[0] ?? ''];
  return what ? [what, 'Graft trains on text only'] : undefined;
}

function isSafetensors(head: Uint8Array): boolean {
  if (head.length < 16) return false;
  const size = Buffer.from(head.subarray(0, 8)).readBigUInt64LE();
  return size > 1n && size < 100_000_000n && head[8] === 0x7b && head[9] === 0x22;
}
