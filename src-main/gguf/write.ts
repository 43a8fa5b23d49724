/**
 * Writes GGUF files: header first, then one tensor after the other, so that memory holds one piece at a time. Temporary
 * name, fsync, rename.
 */
import { createHash, type Hash } from 'node:crypto';
import fs from 'node:fs';
import path from 'node:path';
import { setImmediate } from 'node:timers/promises';
import { GraftError } from '../../src-shared/errors.ts';
import { systemErrorAbout } from '../files/systemError.ts';
import { syncFolder, temporaryNameFor } from '../files/writeWhole.ts';
import { tensorBytes } from './ggmlTypes.ts';
import { aligned, encodeHeader, headerBytes, type GgufMetadata, type TensorHeader } from './header.ts';
import { encodersFor, type Encode } from './quantise/encode.ts';

export interface GgufTensor extends TensorHeader {
  /**
   * The values row by row, in pieces of whole rows of dims[0] values; called once, when the tensor's turn has come. A
   * piece may be reused after the next one is asked for.
   */
  pieces: () => Iterable<Float32Array>;
  /** The tensor's bytes as they are to stand in the file, where they are known; asked for in place of `pieces`. */
  encoded?: () => Iterable<Uint8Array> | undefined;
}

export interface GgufModel {
  metadata: GgufMetadata;
  tensors: readonly GgufTensor[];
}

export interface WriteOptions {
  /** Stops the work with the signal's reason. */
  signal?: AbortSignal;
  /** Bytes of the file done so far. What it throws stops the work. */
  onProgress?: (progress: { done: number; total: number }) => void;
}

export interface WrittenGguf {
  sizeBytes: number;
  /** Hex digest of the whole file. */
  sha256: string;
}

/** Bytes of the file before anything is written. */
export function ggufBytes(metadata: GgufMetadata, tensors: readonly TensorHeader[]): number {
  return tensors.reduce(
    (sum, { type, dims }) => sum + aligned(tensorBytes(type, dims)),
    headerBytes(metadata, tensors),
  );
}

/**
 * Writes the model to `file`. On any failure, a full disk included, the temporary file is removed and an older `file`
 * stays as it was. Gives the event loop a turn after each piece.
 * Throws GraftError GGUF_WRITE (a tensor gave too many or too few values), LLAMACPP_ABSENT (a type that only ggml
 * writes), WEIGHT_NOT_FINITE, WEIGHT_OVERFLOW, DISK_FULL, NOT_ALLOWED, NOT_FOUND.
 */
export async function writeGguf(
  file: string,
  { metadata, tensors }: GgufModel,
  { signal, onProgress }: WriteOptions = {},
): Promise<WrittenGguf> {
  signal?.throwIfAborted();
  const encoders = await encodersFor(tensors.map(({ type }) => type));
  const total = ggufBytes(metadata, tensors);
  const temporary = temporaryNameFor(file);
  try {
    const fd = fs.openSync(temporary, 'wx');
    const out: Output = { fd, hash: createHash('sha256'), done: 0 };
    try {
      write(out, encodeHeader(metadata, tensors));
      for (const tensor of tensors)
        for await (const bytes of encodedPieces(file, tensor, encoders(tensor.type))) {
          write(out, bytes);
          onProgress?.({ done: out.done, total });
          await setImmediate();
          signal?.throwIfAborted();
        }
      fs.fsyncSync(fd);
    } finally {
      fs.closeSync(fd);
    }
    fs.renameSync(temporary, file);
    syncFolder(path.dirname(file));
    return { sizeBytes: out.done, sha256: out.hash.digest('hex') };
  } catch (error) {
    // Below a regular file even looking for the temporary name is an error; the first error is the one to tell.
    if (fs.existsSync(temporary)) fs.rmSync(temporary);
    throw systemErrorAbout(error, file, total);
  }
}

interface Output {
  fd: number;
  hash: Hash;
  /** Bytes written. */
  done: number;
}

function write(out: Output, bytes: Uint8Array): void {
  out.hash.update(bytes);
  for (let done = 0; done < bytes.length;)
    done += fs.writeSync(out.fd, bytes, done, Math.min(bytes.length - done, 1 << 30));
  out.done += bytes.length;
}

/** The tensor's bytes and its padding. */
async function* encodedPieces(file: string, tensor: GgufTensor, encode: Encode): AsyncGenerator<Uint8Array> {
  const { name, type, dims } = tensor;
  const [width = 1] = dims;
  const wantBytes = tensorBytes(type, dims);
  let gotBytes = 0;
  const encoded = tensor.encoded?.();
  for (const piece of encoded ?? tensor.pieces()) {
    const bytes = piece instanceof Float32Array ? await encode(piece, width, name) : piece;
    gotBytes += bytes.length;
    yield bytes;
  }
  if (gotBytes !== wantBytes)
    throw new GraftError(
      'GGUF_WRITE',
      `${file}: tensor ${name} gave ${gotBytes} bytes, but ${type} of [${dims.join(', ')}] needs ${wantBytes}; this ` +
        'is a defect in the writer.',
      { file, tensor: name, gotBytes, wantBytes },
    );
  const padding = aligned(wantBytes) - wantBytes;
  if (padding > 0) yield new Uint8Array(padding);
}
