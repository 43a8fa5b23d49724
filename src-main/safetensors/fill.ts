/**
 * A tensor's values into memory that is there already, read by the threads that Node keeps for files: this thread stays
 * free, and on several cores the system copies several pieces at once.
 */
import fs from 'node:fs';
import { promisify } from 'node:util';
import { isFloatDtype, widenInto } from './dtype.ts';
import { truncatedError } from './header.ts';
import { fileClosed, notFloatError, readTensorF32, type OpenFile, type TensorInfo } from './read.ts';

const read = promisify(fs.read);

/** A piece that a thread reads: far above what handing it over costs. */
const PIECE_BYTES = 4 << 20;
/** Up to here waiting for a thread takes longer than reading. */
const AT_ONCE_BYTES = 64 << 10;
/** Of one tensor, under way at a time; Node has four threads. */
const PIECES_AT_ONCE = 4;

/** As readTensorF32, into `values`, which has the tensor's length. All reading is over when this settles. */
export async function fillTensorF32(info: TensorInfo, values: Float32Array): Promise<void> {
  const { dtype, source, offset } = info;
  if (!isFloatDtype(dtype)) throw notFloatError(info, dtype);
  if (info.coded) return info.coded.read(values, 0);
  if (info.strides || info.byteLength <= AT_ONCE_BYTES) return values.set(readTensorF32(info));
  if (dtype === 'F32') {
    const bytes = new Uint8Array(values.buffer, values.byteOffset, values.byteLength);
    return eachPiece(bytes.length, (start, end) => fill(source, bytes.subarray(start, end), offset + start));
  }
  return eachPiece(info.byteLength, async (start, end) => {
    const halves = new Uint16Array((end - start) / 2);
    await fill(source, new Uint8Array(halves.buffer), offset + start);
    widenInto(values.subarray(start / 2, end / 2), halves, dtype);
  });
}

/** `work` on [start, end) of `length` bytes, a few pieces at once; after a failure no further one begins. */
async function eachPiece(length: number, work: (start: number, end: number) => Promise<void>): Promise<void> {
  let next = 0;
  const worker = async (): Promise<void> => {
    while (next < length) {
      const start = next;
      const end = Math.min(length, start + PIECE_BYTES);
      next = end;
      try {
        await work(start, end);
      } catch (error) {
        next = length;
        throw error;
      }
    }
  };
  const results = await Promise.allSettled(Array.from({ length: PIECES_AT_ONCE }, worker));
  for (const result of results) if (result.status === 'rejected') throw result.reason;
}

/** As readExactly. */
async function fill(source: OpenFile, into: Uint8Array, position: number): Promise<void> {
  for (let done = 0; done < into.length;) {
    if (source.fd === undefined) throw fileClosed(source);
    const { bytesRead } = await read(source.fd, into, done, into.length - done, position + done);
    if (bytesRead === 0) throw truncatedError(source.path, position + done, position + into.length);
    done += bytesRead;
  }
}
