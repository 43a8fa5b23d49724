/** Reads a run of rows and packs it, in a thread or, for small models, where it is asked for. */
/// <reference lib="esnext.float16" />
import fs from 'node:fs';
import { crc32 } from 'node:zlib';
import { packedLayout } from '../engine/packed/formats.ts';
import { emptyMatrix, packRows } from '../engine/packed/kernels.ts';
import { quantiseMaxima } from '../engine/packed/nf4.ts';
import { DTYPE_BYTES, widenInto, type FloatDtype } from '../safetensors/dtype.ts';
import { readExactly } from '../safetensors/read.ts';
import type { KeptAt, PackAnswer, PackQuestion, SharedBytes } from './packQuestion.ts';

type Rows = Extract<PackQuestion, { kind: 'rows' }>;
type Tail = Extract<PackQuestion, { kind: 'tail' }>;

/** Throws WEIGHT_OUT_OF_RANGE and SAFETENSORS_TRUNCATED. */
export function answerPack(question: PackQuestion): PackAnswer {
  const bytes = bytesOf(question.into, question.length);
  switch (question.kind) {
    case 'rows':
      fillRows(question, bytes);
      return { crc: crc32(bytes), ...written(bytes, question.keep) };
    case 'tail':
      fillTail(question, bytes);
      return { crc: crc32(bytes), ...written(bytes, question.keep) };
    case 'read':
      readExactly({ path: question.file, fd: question.fd }, bytes, question.position);
      return { crc: crc32(bytes) };
  }
}

const bytesOf = ({ buffer, at }: SharedBytes, length: number): Uint8Array<SharedArrayBuffer> =>
  new Uint8Array(buffer, at, length);

/** A matrix is packed run by run: the memory that holds a run's source is used for the next one. */
let held = new ArrayBuffer(0);

function sourceBytes({ source, file, dtype, rows, C }: Rows): Uint8Array {
  if ('values' in source) return new Uint8Array(source.values);
  const length = rows * C * DTYPE_BYTES[dtype];
  if (held.byteLength < length) held = new ArrayBuffer(length);
  const bytes = new Uint8Array(held, 0, length);
  readExactly({ path: file, fd: source.fd }, bytes, source.position);
  return bytes;
}

function fillRows(question: Rows, into: Uint8Array<SharedArrayBuffer>): void {
  const { tensor, dtype, format, rows, C, factors } = question;
  const source = sourceBytes(question);
  if (format === 'f32') return widen(source, dtype, into);
  const { blocks, scalesAt } = packedLayout(format, rows, C);
  if (format === 'int8') {
    // The rows of a run are a matrix of their own, whose scales follow its values; those of the whole come later.
    const matrix = emptyMatrix(format, rows, C);
    packRows(tensor, matrix, 0, { dtype, bytes: source });
    into.set(new Uint8Array(matrix.words.buffer, 0, into.length));
    new Float32Array(factors.buffer, factors.at, rows).set(new Float32Array(matrix.words.buffer, 4 * scalesAt, rows));
    return;
  }
  const words = new Int32Array(into.buffer, into.byteOffset, into.length / 4);
  words[words.length - 1] = 0; // the last row may end in the middle of a word
  const maxima = new Float32Array(factors.buffer, factors.at, format === 'nf4' ? rows * blocks : 0);
  packRows(tensor, { format, R: rows, C, words }, 0, { dtype, bytes: source }, maxima);
}

function widen(source: Uint8Array, dtype: FloatDtype, into: Uint8Array): void {
  if (dtype === 'F32') return into.set(source);
  const values = new Float32Array(into.buffer, into.byteOffset, into.length / 4);
  widenInto(values, new Uint16Array(source.buffer, source.byteOffset, values.length), dtype);
}

function fillTail({ format, factors, count }: Tail, into: Uint8Array): void {
  const values = new Float32Array(factors, 0, count);
  if (format === 'int8') return into.set(new Uint8Array(factors, 0, 4 * count));
  const { bytes, mean, scales } = quantiseMaxima(values);
  into.fill(0);
  into.set(new Uint8Array(bytes.buffer));
  const numbers = new Float32Array(1 + scales.length);
  numbers[0] = mean;
  numbers.set(scales, 1);
  into.set(new Uint8Array(numbers.buffer), 4 * Math.ceil(count / 4));
}

/** A cache that cannot be written does not end the load. */
function written(bytes: Uint8Array, keep: KeptAt | undefined): Pick<PackAnswer, 'unkept'> {
  if (!keep) return {};
  try {
    for (let done = 0; done < bytes.length;)
      done += fs.writeSync(keep.fd, bytes, done, bytes.length - done, keep.position + done);
    return {};
  } catch (error) {
    if (error instanceof Error && 'code' in error && typeof error.code === 'string') return { unkept: error.code };
    throw error;
  }
}
