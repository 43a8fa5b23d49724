/**
 * Reads safetensors files with positioned reads on one descriptor per open file (Node has no mmap). Only the header is
 * read when a file is opened; tensors are read when asked for, whole or by rows.
 */
import fs from 'node:fs';
import { GraftError } from '../../src-shared/errors.ts';
import { DTYPE_BYTES, isFloatDtype, widenInto, type Dtype } from './dtype.ts';
import { headerError, MAX_HEADER_BYTES, parseHeader, truncatedError } from './header.ts';
import { openRegularFile } from '../files/foreignFile.ts';
import { systemErrorAbout } from '../files/systemError.ts';

/** An open file; `fd` is undefined after close. */
export interface OpenFile {
  readonly path: string;
  fd: number | undefined;
}

export interface TensorInfo {
  name: string;
  dtype: Dtype;
  shape: number[];
  /** Path of the file that holds the tensor. */
  file: string;
  /** Bytes from the start of the file. */
  offset: number;
  /** In the file. */
  byteLength: number;
  source: OpenFile;
  /** Where the bytes in the file are not the values one after the other, as in GGUF. */
  coded?: CodedValues;
  /**
   * Elements from one value to the next in each dimension, where they do not lie row by row (a view in a file of
   * PyTorch's); `offset` is that of the first value.
   */
  strides?: readonly number[];
}

/** How values are read that a file keeps in another form than `dtype`. */
export interface CodedValues {
  /** The file's own name of the form, e.g. `Q4_K`. */
  type: string;
  /** Fills `into` with the float32 values from element `start` on. */
  read(into: Float32Array, start: number): void;
}

/** An open file of named tensors, whatever its format. */
export interface WeightFile {
  format: 'safetensors' | 'gguf' | 'torch';
  file: string;
  sizeBytes: number;
  modifiedMs: number;
  /** What lists the tensors, as in the file; for safetensors length field and JSON. */
  headerBytes: Uint8Array;
  metadata: Record<string, string>;
  /** By name, in the order of the header. */
  tensors: Map<string, TensorInfo>;
  /** Names of entries that are no tensors, where the format allows them. */
  leftAside?: string[];
  /** Names of tensors in the file that are not among `tensors`. */
  unread?: string[];
  /** What else is to be said about the file, a sentence each. */
  notes?: string[];
  /** Closes the descriptor; reading a tensor afterwards is an error. May be called twice. */
  close(): void;
}

export type SafetensorsFile = WeightFile & { format: 'safetensors' };

export function isSafetensors(file: WeightFile): file is SafetensorsFile {
  return file.format === 'safetensors';
}

/**
 * Opens and checks a safetensors file.
 * Throws GraftError SAFETENSORS_TRUNCATED, SAFETENSORS_HEADER or SAFETENSORS_TENSOR (naming file and tensor),
 * NOT_A_FILE, or NOT_FOUND / NOT_ALLOWED when the file cannot be opened.
 */
export function openSafetensors(file: string): SafetensorsFile {
  const source: OpenFile = { path: file, fd: undefined };
  const close = (): void => {
    if (source.fd !== undefined) fs.closeSync(source.fd);
    source.fd = undefined;
  };
  try {
    const { fd, stat } = openRegularFile(file);
    source.fd = fd;
    const headerBytes = readHeaderBytes(source, stat.size);
    const { tensors, metadata } = parseHeader(
      file,
      new TextDecoder().decode(headerBytes.subarray(8)),
      headerBytes.length,
      stat.size,
    );
    const infos = tensors.map(({ name, dtype, shape, start, end }): [string, TensorInfo] => [
      name,
      { name, dtype, shape, file, offset: headerBytes.length + start, byteLength: end - start, source },
    ]);
    return {
      format: 'safetensors',
      file,
      sizeBytes: stat.size,
      modifiedMs: stat.mtimeMs,
      headerBytes,
      metadata,
      tensors: new Map(infos),
      close,
    };
  } catch (error) {
    close();
    throw systemErrorAbout(error, file);
  }
}

function readHeaderBytes(source: OpenFile, fileBytes: number): Uint8Array {
  if (fileBytes < 8) throw truncatedError(source.path, fileBytes, 8);
  const length = new Uint8Array(8);
  readExactly(source, length, 0);
  const headerLength = Number(new DataView(length.buffer).getBigUint64(0, true));
  if (headerLength > fileBytes - 8) {
    throw headerError(source.path, `its header claims ${headerLength} bytes, but the file has only ${fileBytes}`, {
      headerLength,
      fileBytes,
    });
  }
  if (headerLength > MAX_HEADER_BYTES)
    throw headerError(
      source.path,
      `its header claims ${headerLength} bytes, more than the allowed ${MAX_HEADER_BYTES}`,
      { headerLength },
    );
  const bytes = new Uint8Array(8 + headerLength);
  readExactly(source, bytes, 0);
  return bytes;
}

/** One system call reads at most 2 GiB, so that larger tensors are read in pieces. */
const MAX_READ_BYTES = 1 << 30;

/** Fills `into` from the file at `position`. */
export function readExactly(source: OpenFile, into: Uint8Array, position: number): void {
  if (source.fd === undefined) throw fileClosed(source);
  let done = 0;
  while (done < into.length) {
    const got = fs.readSync(source.fd, into, done, Math.min(into.length - done, MAX_READ_BYTES), position + done);
    if (got === 0) throw truncatedError(source.path, position + done, position + into.length);
    done += got;
  }
}

export function fileClosed({ path }: OpenFile): GraftError {
  return new GraftError(
    'FILE_CLOSED',
    `${path} was closed before a tensor was read from it; open the checkpoint again.`,
    { file: path },
  );
}

/** Bytes of a tensor row by row, or the `length` bytes from `start` on, which are whole values of a strided one. */
export function readTensorBytes(info: TensorInfo, start = 0, length = info.byteLength - start): Uint8Array {
  if (info.strides) return readStrided(info, info.strides, start, length);
  const bytes = new Uint8Array(length);
  readExactly(info.source, bytes, info.offset + start);
  return bytes;
}

/**
 * The values of a view in row-major order, from one read of the bytes between its first and its last value. start,
 * length: bytes of the view, multiples of a value's.
 */
function readStrided(info: TensorInfo, strides: readonly number[], start: number, length: number): Uint8Array {
  const width = DTYPE_BYTES[info.dtype];
  const places = placesInView(info.shape, strides, start / width, length / width);
  let [first, last] = [Infinity, -1];
  for (const place of places) [first, last] = [Math.min(first, place), Math.max(last, place)];
  const bytes = new Uint8Array(length);
  if (last < 0) return bytes;
  const held = new Uint8Array((last - first + 1) * width);
  readExactly(info.source, held, info.offset + first * width);
  places.forEach((place, i) => {
    for (let b = 0; b < width; b++) bytes[i * width + b] = held[(place - first) * width + b]!;
  });
  return bytes;
}

/** Of each value in row-major order, from the `start`-th on: elements from the first of the view. */
function placesInView(shape: number[], strides: readonly number[], start: number, count: number): Float64Array {
  const places = new Float64Array(count);
  const index = shape.map(() => 0);
  let rest = start;
  for (let i = shape.length - 1; i >= 0; i--) {
    index[i] = rest % shape[i]!;
    rest = Math.floor(rest / shape[i]!);
  }
  let place = index.reduce((sum, at, i) => sum + at * strides[i]!, 0);
  for (let n = 0; n < count; n++) {
    places[n] = place;
    for (let i = shape.length - 1; i >= 0; i--) {
      place += strides[i]!;
      if (++index[i]! < shape[i]!) break;
      place -= strides[i]! * shape[i]!;
      index[i] = 0;
    }
  }
  return places;
}

/** A whole F32, F16 or BF16 tensor as float32. Throws GraftError TENSOR_NOT_FLOAT for other dtypes. */
export function readTensorF32(info: TensorInfo): Float32Array {
  return readElementsF32(info, 0, elementCount(info));
}

/** All bytes of an open file that has tensors, header included. */
export function readFile({ tensors, sizeBytes }: WeightFile): Uint8Array {
  const [first] = tensors.values();
  const { buffer, byteOffset } = Buffer.allocUnsafeSlow(first ? sizeBytes : 0); // no zeros that are overwritten at once
  const bytes = new Uint8Array(buffer, byteOffset, first ? sizeBytes : 0);
  if (first) readExactly(first.source, bytes, 0);
  return bytes;
}

/** As readTensorF32, from the bytes of the whole file; float32 values share memory with them where they can. */
export function tensorF32From(file: Uint8Array, info: TensorInfo): Float32Array {
  const bytes = file.subarray(info.offset, info.offset + info.byteLength);
  if (!isFloatDtype(info.dtype)) throw notFloatError(info, info.dtype);
  const aligned = bytes.byteOffset % DTYPE_BYTES[info.dtype] === 0 ? bytes : bytes.slice();
  if (info.dtype === 'F32') return new Float32Array(aligned.buffer, aligned.byteOffset, elementCount(info));
  const values = new Float32Array(elementCount(info));
  widenInto(values, new Uint16Array(aligned.buffer, aligned.byteOffset, values.length), info.dtype);
  return values;
}

export function notFloatError({ file, name }: TensorInfo, dtype: Dtype): GraftError {
  return new GraftError(
    'TENSOR_NOT_FLOAT',
    `${file}: tensor ${name} has dtype ${dtype}, but weights must be F32, F16 or BF16; use a checkpoint in one ` +
      'of these.',
    { file, tensor: name, dtype },
  );
}

/** Rows `startRow` to `startRow + rowCount` of a tensor seen as (shape[0], everything else). */
export function readRowsF32(info: TensorInfo, startRow: number, rowCount: number): Float32Array {
  const { rows, width } = rowsOf(info);
  if (startRow < 0 || rowCount < 0 || startRow + rowCount > rows) {
    throw new GraftError(
      'TENSOR_ROWS',
      `${info.file}: tensor ${info.name} has ${rows} rows, but rows ${startRow} to ${startRow + rowCount} were ` +
        'asked for; ask for rows inside it.',
      { tensor: info.name, rows, startRow, rowCount },
    );
  }
  return readElementsF32(info, startRow * width, rowCount * width);
}

export function elementCount(info: { shape: number[] }): number {
  return info.shape.reduce((product, n) => product * n, 1);
}

/** The tensor as a matrix: a vector has rows of width 1, a scalar is one row of width 1. */
export function rowsOf(info: { shape: number[] }): { rows: number; width: number } {
  const [rows = 1, ...rest] = info.shape;
  return { rows, width: rest.reduce((product, n) => product * n, 1) };
}

/** Fills `into` with the bytes of a tensor from `start` on. */
function readInto(info: TensorInfo, into: Uint8Array, start: number): void {
  if (info.strides) into.set(readStrided(info, info.strides, start, into.length));
  else readExactly(info.source, into, info.offset + start);
}

/** 8 MiB. */
const MOST_HALVES = 1 << 22;

function readElementsF32(info: TensorInfo, start: number, count: number): Float32Array {
  const { dtype } = info;
  if (!isFloatDtype(dtype)) throw notFloatError(info, dtype);
  const values = new Float32Array(count);
  if (info.coded) {
    info.coded.read(values, start);
    return values;
  }
  if (dtype === 'F32') {
    readInto(info, new Uint8Array(values.buffer, values.byteOffset, values.byteLength), 4 * start);
    return values;
  }
  // In pieces: beside a table of 2 GB in float32 its bytes in the file need not lie in memory too.
  const halves = new Uint16Array(Math.min(count, MOST_HALVES));
  for (let done = 0; done < count; done += halves.length) {
    const piece = halves.subarray(0, count - done);
    readInto(info, new Uint8Array(piece.buffer, 0, piece.byteLength), 2 * (start + done));
    widenInto(values.subarray(done, done + piece.length), piece, dtype);
  }
  return values;
}
