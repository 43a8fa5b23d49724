/**
 * Rows of any number on disk: one JSON text per line of a file, fetched by position. Only the positions are in memory,
 * in arrays that threads share.
 */
import fs from 'node:fs';
import { GraftError } from '../../src-shared/errors.ts';
import { freeBytesAt } from '../files/freeSpace.ts';

const BUFFER_BYTES = 1 << 18;
/** Bytes written between two looks at how much of the disk is left, and what must be left of it. */
const CHECK_BYTES = 2 ** 26;
const LEFT_BYTES = 2 ** 28;

/** Rows as they come, into an empty file. */
export class RowWriter {
  #fd: number;
  #dir: string;
  #starts = new NumberList();
  #size = 0;
  #waiting: string[] = [];
  #waitingBytes = 0;
  #uncheckedBytes = 0;

  /** `dir`: where the file `fd` lies. */
  constructor(fd: number, dir: string) {
    this.#fd = fd;
    this.#dir = dir;
  }

  push(values: Record<string, unknown>): void {
    const text = `${JSON.stringify(values)}\n`;
    const sizeBytes = Buffer.byteLength(text);
    this.#starts.push(this.#size);
    this.#size += sizeBytes;
    this.#waiting.push(text);
    this.#waitingBytes += sizeBytes;
    if (this.#waitingBytes >= BUFFER_BYTES) this.#flush();
  }

  /** Where each row starts, and where the last one ends. Throws the file system's error, or DISK_FULL. */
  finish(): Float64Array {
    this.#flush();
    this.#starts.push(this.#size);
    return this.#starts.shared();
  }

  #flush(): void {
    this.#uncheckedBytes += this.#waitingBytes;
    if (this.#uncheckedBytes >= CHECK_BYTES) this.#checkDisk();
    if (this.#waiting.length > 0) fs.writeFileSync(this.#fd, this.#waiting.join(''));
    this.#waiting = [];
    this.#waitingBytes = 0;
  }

  #checkDisk(): void {
    this.#uncheckedBytes = 0;
    if ((freeBytesAt(this.#dir) ?? Infinity) >= LEFT_BYTES) return;
    throw new GraftError(
      'DISK_FULL',
      `The rows were not read to the end, since the copy of them in ${this.#dir} would fill the disk; free some ` +
        'space there and try again.',
      { path: this.#dir },
    );
  }
}

/** Numbers that are added one by one, then shared with other threads. */
export class NumberList {
  #values = new Float64Array(1024);
  #count = 0;

  get count(): number {
    return this.#count;
  }

  push(value: number): void {
    if (this.#count === this.#values.length) {
      const larger = new Float64Array(2 * this.#count);
      larger.set(this.#values);
      this.#values = larger;
    }
    this.#values[this.#count++] = value;
  }

  /** What has been added so far. */
  values(): Float64Array {
    return this.#values.subarray(0, this.#count);
  }

  shared(): Float64Array {
    const shared = new Float64Array(new SharedArrayBuffer(8 * this.#count));
    shared.set(this.#values.subarray(0, this.#count));
    return shared;
  }
}

/** JSON texts of the rows `from` to `to` (exclusive) of the file `fd`; `starts`: what RowWriter gave for it. */
export function rowTexts(fd: number, starts: Float64Array, from: number, to: number): string[] {
  const last = Math.min(to, starts.length - 1);
  if (from >= last) return [];
  const start = starts[from]!;
  const bytes = Buffer.alloc(starts[last]! - start);
  for (let got = 0; got < bytes.length;) {
    const read = fs.readSync(fd, bytes, got, bytes.length - got, start + got);
    if (read === 0) throw new Error('the rows end before the last one');
    got += read;
  }
  return bytes
    .toString('utf8')
    .split('\n')
    .slice(0, last - from);
}
