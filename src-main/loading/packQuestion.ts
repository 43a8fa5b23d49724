/** What the threads that pack a base are asked, as plain data; all memory is shared, nothing is copied on the way. */
import type { FloatDtype } from '../safetensors/dtype.ts';
import type { LoadedForm } from './matrixLayout.ts';

export interface SharedBytes {
  buffer: SharedArrayBuffer;
  /** In bytes. */
  at: number;
}

/** Where an answer's bytes are also written. */
export interface KeptAt {
  fd: number;
  position: number;
}

interface RowsQuestion {
  kind: 'rows';
  /** For errors. */
  tensor: string;
  file: string;
  /** Where the values lie row by row, or the values themselves. */
  source: { fd: number; position: number } | { values: SharedArrayBuffer };
  dtype: FloatDtype;
  format: LoadedForm;
  rows: number;
  C: number;
  /** Gets `length` bytes: the packed rows, zeros behind them. */
  into: SharedBytes;
  length: number;
  /** Gets the float32 factors of the rows. */
  factors: SharedBytes;
  keep?: KeptAt | undefined;
}

/** What follows the rows of an int8 or nf4 matrix, made of the factors of all of them. */
interface TailQuestion {
  kind: 'tail';
  format: 'int8' | 'nf4';
  /** float32 */
  factors: SharedArrayBuffer;
  count: number;
  into: SharedBytes;
  length: number;
  keep?: KeptAt | undefined;
}

/** Bytes of a packed file. */
interface ReadQuestion {
  kind: 'read';
  file: string;
  fd: number;
  position: number;
  into: SharedBytes;
  length: number;
}

export type PackQuestion = RowsQuestion | TailQuestion | ReadQuestion;

export interface PackAnswer {
  /** CRC-32 of the bytes in `into`. */
  crc: number;
  /** Why they could not be written to `keep`: the system's code. */
  unkept?: string;
}
