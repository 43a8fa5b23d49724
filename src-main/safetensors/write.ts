/**
 * Writes safetensors files: header first, then one tensor after the other, so that memory holds one piece at a time.
 * The bytes are those of the Rust library's serialiser: tensors by falling element size, then by name (which keeps
 * every tensor aligned), header padded with spaces to a multiple of 8. Temporary name, fsync, rename.
 */
import { createHash, type Hash } from 'node:crypto';
import fs from 'node:fs';
import path from 'node:path';
import { setImmediate } from 'node:timers/promises';
import { GraftError } from '../../src-shared/errors.ts';
import { syncFolder, temporaryNameFor } from '../files/writeWhole.ts';
import { DTYPE_BYTES, type Dtype } from './dtype.ts';
import { elementCount } from './read.ts';
import { systemErrorAbout } from '../files/systemError.ts';

export interface TensorEntry {
  name: string;
  dtype: Dtype;
  shape: number[];
  /** Called once, when the tensor's turn has come; pieces may be reused after the next one is asked for. */
  data: () => Iterable<Uint8Array> | Uint8Array;
}

export interface WrittenFile {
  sizeBytes: number;
  /** Hex digest of the whole file. */
  sha256: string;
}

/**
 * Writes `entries` to `target`. On any failure, a full disk included, the temporary file is removed and an older
 * `target` stays as it was. Gives the event loop a turn after each piece.
 * Throws GraftError SAFETENSORS_WRITE (duplicate name, data of the wrong size), DISK_FULL, NOT_ALLOWED, NOT_FOUND.
 */
export async function writeSafetensors(
  target: string,
  entries: Iterable<TensorEntry>,
  metadata: Record<string, string> = { format: 'pt' },
): Promise<WrittenFile> {
  const ordered = [...entries].sort(
    (a, b) => DTYPE_BYTES[b.dtype] - DTYPE_BYTES[a.dtype] || compareNames(a.name, b.name),
  );
  const header = headerFor(target, ordered, metadata);
  const temporary = temporaryNameFor(target);
  try {
    const fd = fs.openSync(temporary, 'wx');
    let written: WrittenFile;
    try {
      written = await writeAll(fd, target, header, ordered);
      fs.fsyncSync(fd);
    } finally {
      fs.closeSync(fd);
    }
    fs.renameSync(temporary, target);
    syncFolder(path.dirname(target));
    return written;
  } catch (error) {
    // Below a regular file even looking for the temporary name is an error; the first error is the one to tell.
    if (fs.existsSync(temporary)) fs.rmSync(temporary);
    const neededBytes = ordered.reduce((sum, entry) => sum + byteLengthOf(entry), header.length);
    throw systemErrorAbout(error, target, neededBytes);
  }
}

/** Code-point order, as the Rust library sorts. */
function compareNames(a: string, b: string): number {
  return Buffer.compare(Buffer.from(a), Buffer.from(b));
}

function byteLengthOf(entry: TensorEntry): number {
  return elementCount(entry) * DTYPE_BYTES[entry.dtype];
}

function headerFor(target: string, entries: TensorEntry[], metadata: Record<string, string>): Uint8Array {
  const header = new Map<string, unknown>(Object.keys(metadata).length > 0 ? [['__metadata__', metadata]] : []);
  let at = 0;
  for (const entry of entries) {
    if (header.has(entry.name))
      throw new GraftError(
        'SAFETENSORS_WRITE',
        `${target}: tensor name ${entry.name} is used twice; give every tensor its own name.`,
        { file: target, tensor: entry.name },
      );
    const end = at + byteLengthOf(entry);
    header.set(entry.name, { dtype: entry.dtype, shape: entry.shape, data_offsets: [at, end] });
    at = end;
  }
  const json = Buffer.from(JSON.stringify(Object.fromEntries(header)));
  const paddedLength = Math.ceil(json.length / 8) * 8;
  const bytes = new Uint8Array(8 + paddedLength).fill(0x20);
  new DataView(bytes.buffer).setBigUint64(0, BigInt(paddedLength), true);
  bytes.set(json, 8);
  return bytes;
}

async function writeAll(fd: number, target: string, header: Uint8Array, entries: TensorEntry[]): Promise<WrittenFile> {
  const hash = createHash('sha256');
  let sizeBytes = writePiece(fd, hash, header);
  for (const entry of entries) {
    const data = entry.data();
    let tensorBytes = 0;
    for (const piece of data instanceof Uint8Array ? [data] : data) {
      tensorBytes += writePiece(fd, hash, piece);
      await setImmediate();
    }
    const wantBytes = byteLengthOf(entry);
    if (tensorBytes !== wantBytes) {
      throw new GraftError(
        'SAFETENSORS_WRITE',
        `${target}: tensor ${entry.name} gave ${tensorBytes} bytes, but ${entry.dtype} of shape ` +
          `[${entry.shape.join(', ')}] needs ${wantBytes}; this is a defect in the writer.`,
        { file: target, tensor: entry.name, gotBytes: tensorBytes, wantBytes },
      );
    }
    sizeBytes += tensorBytes;
  }
  return { sizeBytes, sha256: hash.digest('hex') };
}

function writePiece(fd: number, hash: Hash, bytes: Uint8Array): number {
  hash.update(bytes);
  let done = 0;
  while (done < bytes.length) done += fs.writeSync(fd, bytes, done, Math.min(bytes.length - done, 1 << 30));
  return bytes.length;
}
