/** Reads a document of any kind, which is told from its content. */
import path from 'node:path';
import { GraftError } from '../../../src-shared/errors.ts';
import { readForeignBytes } from '../../files/foreignFile.ts';
import { openBytes } from '../readers/bytes.ts';
import { encodingOf } from '../readers/encoding.ts';
import { binaryFile, refusedType } from '../readers/foreign.ts';
import type { DocumentReading, ReadDocument } from './blocks.ts';
import { isDocx, readDocx } from './docx.ts';
import { documentTooLarge, emptyDocument, encryptedDocument, MOST_TEXT_BYTES } from './errors.ts';
import { htmlBlocks } from './html.ts';
import { readPdf } from './pdf.ts';
import { textBlocks } from './plainText.ts';

const MOST_FILE_BYTES = 2 ** 28;
/** PDF readers look for the mark this far into a file. */
const PDF_MARK_BYTES = 1024;

/** Throws GraftErrors only: what the file is, or what is wrong with it. */
export async function readDocument(file: string, onProgress: (share: number) => void): Promise<ReadDocument> {
  const { head, compression } = openBytes(file);
  const bytes = readForeignBytes(file, MOST_FILE_BYTES);
  const reading = { file, bytes, onProgress };
  const document = await readKnown(reading, Buffer.from(head.subarray(0, PDF_MARK_BYTES)).toString('latin1'));
  const read = document ?? { blocks: await blocksOfText(reading, compression !== undefined), notes: [] };
  if (read.blocks.length === 0) throw emptyDocument(file);
  if (read.blocks.reduce((sum, { text }) => sum + text.length, 0) > MOST_TEXT_BYTES) throw documentTooLarge(file);
  return read;
}

/** The kinds that are no plain text; undefined for others. */
async function readKnown(reading: DocumentReading, start: string): Promise<ReadDocument | undefined> {
  if (start.includes('%PDF-')) return readPdf(reading);
  if (start.startsWith('PK\x03\x04') && isDocx(reading.bytes)) return readDocx(reading);
  // Word encrypts a document into a file of its old kind, which names what it holds in UTF-16.
  if (start.startsWith('\xd0\xcf\x11\xe0') && Buffer.from(reading.bytes).includes(ENCRYPTED_PACKAGE))
    throw encryptedDocument(reading.file);
  return undefined;
}

const ENCRYPTED_PACKAGE = Buffer.from('EncryptedPackage', 'utf16le');

async function blocksOfText({ file, bytes }: DocumentReading, isPacked: boolean) {
  const source = openBytes(file);
  const start = Buffer.from(source.head.subarray(0, PDF_MARK_BYTES)).toString('utf8').trimStart();
  const isHtml = /^(<\?xml[^>]*>\s*)?(<!--[\s\S]*?-->\s*)*<(!doctype html|html|head|body)[\s>]/i.test(start);
  if (!isHtml) {
    const refused = await refusedType(file, source.head);
    if (refused) throw refused;
  }
  if (isPacked)
    throw new GraftError('DATASET_NOT_ROWS', `${file} is compressed; unpack it and choose the document inside.`, {
      file,
    });
  const encoding = await encodingOf(source);
  if (encoding !== 'utf-16le' && encoding !== 'utf-16be' && source.head.includes(0)) throw binaryFile(file);
  const text = new TextDecoder(encoding).decode(bytes);
  const ext = path.extname(file).toLowerCase();
  if (isHtml || /^\.x?html?$/.test(ext)) return htmlBlocks(file, text);
  return textBlocks(text, ext === '.md' || ext === '.markdown');
}
