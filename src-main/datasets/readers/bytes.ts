/**
 * The bytes of a dataset file: checks that it is a plain file with something in it, hashes exactly what was read, and
 * unpacks gzip and Zstandard on the way, never more than a bound.
 */
import { createHash } from 'node:crypto';
import fs from 'node:fs';
import { Transform } from 'node:stream';
import { pipeline } from 'node:stream';
import zlib from 'node:zlib';
import { GraftError, usageError } from '../../../src-shared/errors.ts';

export interface ByteSource {
  file: string;
  /** Of the file, as it lies there. */
  sizeBytes: number;
  compression: 'gzip' | 'zstd' | undefined;
  /** The beginning, unpacked. */
  head: Uint8Array;
  /** The whole, unpacked, in pieces. `onProgress` gets the bytes of the file read so far. */
  chunks(onProgress?: (doneBytes: number) => void): AsyncIterable<Uint8Array>;
  /** sha256 of the file, once `chunks` is exhausted. */
  sha256(): string;
}

const HEAD_BYTES = 65536;
/** Small enough that hashing, decoding and splitting one holds the process for a few milliseconds only. */
const CHUNK_BYTES = 1 << 18;
/** What a file may unpack to: text seldom shrinks to less than a hundredth. */
const MOST_RATIO = 300;
const RATIO_FROM_BYTES = 256 * 2 ** 20;
const MOST_UNPACKED_BYTES = 64 * 2 ** 30;

/**
 * `onBytes`: called for each piece that is read.
 * Throws GraftError DATASET_NOT_FOUND, DATASET_IS_FOLDER, DATASET_EMPTY or DATASET_BROKEN.
 */
export function openBytes(file: string, onBytes: () => void = () => undefined): ByteSource {
  const stat = fs.statSync(file, { throwIfNoEntry: false });
  if (!stat) throw new GraftError('DATASET_NOT_FOUND', `The dataset ${file} does not exist; check the path.`, { file });
  if (!stat.isFile()) {
    throw new GraftError(
      'DATASET_IS_FOLDER',
      `${file} is ${stat.isDirectory() ? 'a folder' : 'not a plain file'}; choose a file with rows.`,
      { file },
    );
  }
  if (stat.size === 0) throw emptyDataset(file, 'is empty');
  const start = readHead(file);
  const compression = compressionOf(start);
  let digest: string | undefined;
  return {
    file,
    sizeBytes: stat.size,
    compression,
    head: compression ? unpackedHead(start, compression, file) : start,
    async *chunks(onProgress) {
      const hash = createHash('sha256');
      let doneBytes = 0;
      const counted = new Transform({
        transform(bytes: Buffer, _encoding, done) {
          hash.update(bytes);
          doneBytes += bytes.length;
          onProgress?.(doneBytes);
          onBytes();
          done(null, bytes);
        },
      });
      const raw = fs.createReadStream(file, { highWaterMark: CHUNK_BYTES });
      const unpack = compression ? unpacker(compression) : undefined;
      const parts = unpack ? pipeline(raw, counted, unpack, () => undefined) : pipeline(raw, counted, () => undefined);
      let unpackedBytes = 0;
      try {
        for await (const bytes of parts as unknown as AsyncIterable<Uint8Array>) {
          unpackedBytes += bytes.length;
          checkRatio(file, unpackedBytes, doneBytes);
          yield bytes;
        }
      } catch (error) {
        throw unpackError(error, file, compression);
      }
      digest = hash.digest('hex');
    },
    sha256: () => {
      if (digest === undefined) throw new Error('the hash is known once the file has been read to its end');
      return digest;
    },
  };
}

export function emptyDataset(file: string, what: string): GraftError {
  return new GraftError('DATASET_EMPTY', `The dataset ${file} ${what}; add rows or choose another file.`, { file });
}

/** A file that is not what its beginning promises. */
export function brokenDataset(file: string, what: string, cause?: unknown): GraftError {
  // What JavaScript itself throws is a fault that a library made of a broken file.
  const isSaid = cause instanceof Error && !/^(Type|Range|Reference|Syntax)Error$/.test(cause.name);
  const reason = isSaid ? ` (${cause.message.split('\n')[0]!.slice(0, 200)})` : '';
  return new GraftError(
    'DATASET_BROKEN',
    `The dataset ${file} cannot be read as ${what}${reason}; download or save the file again.`,
    { file },
    { cause },
  );
}

function compressionOf(head: Uint8Array): ByteSource['compression'] {
  if (head[0] === 0x1f && head[1] === 0x8b) return 'gzip';
  return head[0] === 0x28 && head[1] === 0xb5 && head[2] === 0x2f && head[3] === 0xfd ? 'zstd' : undefined;
}

function unpacker(compression: 'gzip' | 'zstd'): Transform {
  return compression === 'gzip'
    ? zlib.createGunzip({ chunkSize: CHUNK_BYTES })
    : zlib.createZstdDecompress({ chunkSize: CHUNK_BYTES });
}

/** What the first bytes unpack to; they end in the middle, which is no error here. */
function unpackedHead(start: Uint8Array, compression: 'gzip' | 'zstd', file: string): Uint8Array {
  const most = { maxOutputLength: 64 * HEAD_BYTES };
  try {
    const whole =
      compression === 'gzip'
        ? zlib.gunzipSync(start, { ...most, finishFlush: zlib.constants.Z_SYNC_FLUSH })
        : zlib.zstdDecompressSync(start, { ...most, finishFlush: zlib.constants.ZSTD_e_flush });
    return whole.subarray(0, HEAD_BYTES);
  } catch (error) {
    if (
      error instanceof RangeError ||
      (error instanceof Error && 'code' in error && error.code === 'ERR_BUFFER_TOO_LARGE')
    )
      throw tooMuch(file);
    throw unpackError(error, file, compression);
  }
}

function checkRatio(file: string, unpackedBytes: number, doneBytes: number): void {
  const isTooMuch = unpackedBytes > RATIO_FROM_BYTES && unpackedBytes > MOST_RATIO * doneBytes;
  if (isTooMuch || unpackedBytes > MOST_UNPACKED_BYTES) throw tooMuch(file);
}

function tooMuch(file: string): GraftError {
  return usageError(
    'DATASET_UNPACKS_TOO_LARGE',
    `The dataset ${file} unpacks to more than ${MOST_RATIO} times its size, which no text does; if you trust it, ` +
      'unpack it yourself and choose the unpacked file.',
    { file },
  );
}

function unpackError(error: unknown, file: string, compression: ByteSource['compression']): unknown {
  if (error instanceof GraftError || !compression) return error;
  const name = compression === 'gzip' ? 'a gzip file' : 'a Zstandard file';
  const code = error instanceof Error && 'code' in error ? String(error.code) : '';
  return /^(Z_|ZSTD_|ERR_)/.test(code) ? brokenDataset(file, name, error) : error;
}

function readHead(file: string): Uint8Array {
  const bytes = new Uint8Array(HEAD_BYTES);
  const fd = fs.openSync(file, 'r');
  try {
    return bytes.subarray(0, fs.readSync(fd, bytes));
  } finally {
    fs.closeSync(fd);
  }
}
