/**
 * Opens a dataset file and hands out its text in chunks: checks that it is a file with something in it, drops a byte
 * order mark, refuses other encodings than UTF-8, and hashes exactly the bytes that were read.
 */
import { createHash } from 'node:crypto';
import fs from 'node:fs';
import { GraftError } from '../../../src-shared/errors.ts';

export interface TextSource {
  file: string;
  sizeBytes: number;
  /** The beginning of the text, for finding out its format. */
  head: string;
  /**
   * The whole text in pieces, from the start; once only. `onProgress` gets the bytes read so far. Throws GraftError
   * DATASET_ENCODING.
   */
  chunks(onProgress?: (doneBytes: number) => void): AsyncGenerator<string>;
  /** sha256 of the file, once `chunks` is exhausted. */
  sha256(): string;
}

const HEAD_BYTES = 65536;
/** Small enough that hashing, decoding and splitting one holds the process for a few milliseconds only. */
const CHUNK_BYTES = 1 << 18;

/** Throws GraftError DATASET_NOT_FOUND, DATASET_IS_FOLDER, DATASET_EMPTY or DATASET_ENCODING. */
export function openTextSource(file: string): TextSource {
  const stat = fs.statSync(file, { throwIfNoEntry: false });
  if (!stat) throw new GraftError('DATASET_NOT_FOUND', `The dataset ${file} does not exist; check the path.`, { file });
  if (!stat.isFile()) {
    throw new GraftError(
      'DATASET_IS_FOLDER',
      `${file} is ${stat.isDirectory() ? 'a folder' : 'not a plain file'}; choose one JSONL, JSON or CSV file.`,
      { file },
    );
  }
  if (stat.size === 0) throw emptyDataset(file, 'is empty');
  const hash = createHash('sha256');
  let digest: string | undefined;
  return {
    file,
    sizeBytes: stat.size,
    head: readHead(file),
    async *chunks(onProgress) {
      const decoder = new TextDecoder('utf-8', { fatal: true });
      let line = 1;
      let doneBytes = 0;
      for await (const bytes of fs.createReadStream(file, {
        highWaterMark: CHUNK_BYTES,
      }) as AsyncIterable<Uint8Array>) {
        hash.update(bytes);
        const text = decodeOrThrow(file, line, () => decoder.decode(bytes, { stream: true }));
        line += countNewlines(text);
        if (text) yield text;
        doneBytes += bytes.length;
        onProgress?.(doneBytes);
      }
      decodeOrThrow(file, line, () => decoder.decode());
    },
    sha256: () => (digest ??= hash.digest('hex')),
  };
}

export function emptyDataset(file: string, what: string): GraftError {
  return new GraftError('DATASET_EMPTY', `The dataset ${file} ${what}; add rows or choose another file.`, { file });
}

export function countNewlines(text: string): number {
  let count = 0;
  for (let at = text.indexOf('\n'); at >= 0; at = text.indexOf('\n', at + 1)) count++;
  return count;
}

function readHead(file: string): string {
  const bytes = new Uint8Array(HEAD_BYTES);
  const fd = fs.openSync(file, 'r');
  let read: number;
  try {
    read = fs.readSync(fd, bytes);
  } finally {
    fs.closeSync(fd);
  }
  if ((bytes[0] === 0xff && bytes[1] === 0xfe) || (bytes[0] === 0xfe && bytes[1] === 0xff))
    throw encodingError(file, 'is written in UTF-16');
  return new TextDecoder('utf-8').decode(bytes.subarray(0, read), { stream: true });
}

function decodeOrThrow(file: string, line: number, decode: () => string): string {
  try {
    return decode();
  } catch {
    throw encodingError(file, `is not valid UTF-8 text (at or after line ${line})`);
  }
}

function encodingError(file: string, what: string): GraftError {
  return new GraftError('DATASET_ENCODING', `The dataset ${file} ${what}; save it as UTF-8 and try again.`, { file });
}
