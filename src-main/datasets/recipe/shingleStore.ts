/** Sets of hashes on disk, fetched by number: those of a million rows would not fit in memory. */
import fs from 'node:fs';
import { RowFile } from '../rowFile.ts';
import { NumberList } from '../rowStore.ts';

const BUFFER_VALUES = 1 << 18;

export class ShingleStore {
  #file: RowFile;
  #buffer = new Uint32Array(BUFFER_VALUES);
  /** Values on disk, and those that wait in the buffer. */
  #written = 0;
  #waiting = 0;
  #starts = new NumberList();

  /** `dir`: where a file without a name lies meanwhile. */
  constructor(dir: string) {
    this.#file = new RowFile(dir);
  }

  push(values: Uint32Array): void {
    this.#starts.push(this.#written + this.#waiting);
    if (this.#waiting + values.length > BUFFER_VALUES) this.#flush();
    if (values.length > BUFFER_VALUES) this.#write(values);
    else {
      this.#buffer.set(values, this.#waiting);
      this.#waiting += values.length;
    }
  }

  at(number: number): Uint32Array {
    const starts = this.#starts.values();
    const [start, end] = [starts[number]!, starts[number + 1] ?? this.#written + this.#waiting];
    if (start >= this.#written) return this.#buffer.subarray(start - this.#written, end - this.#written);
    const values = new Uint32Array(end - start);
    const bytes = new Uint8Array(values.buffer);
    for (let got = 0; got < bytes.length;) {
      const read = fs.readSync(this.#file.fd, bytes, got, bytes.length - got, 4 * start + got);
      if (read === 0) throw new Error('the sets end before the last one');
      got += read;
    }
    return values;
  }

  close(): void {
    this.#file.close();
  }

  #flush(): void {
    this.#write(this.#buffer.subarray(0, this.#waiting));
    this.#waiting = 0;
  }

  #write(values: Uint32Array): void {
    const bytes = new Uint8Array(values.buffer, values.byteOffset, values.byteLength);
    for (let done = 0; done < bytes.length;)
      done += fs.writeSync(this.#file.fd, bytes, done, bytes.length - done, 4 * this.#written + done);
    this.#written += values.length;
  }
}
