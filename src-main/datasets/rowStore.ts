/**
 * Rows of any number on disk, fetched by position: one JSON text per line in a file without a name, which the system
 * removes when it is closed or the process ends. Only the positions are kept in memory.
 */
import { randomBytes } from 'node:crypto';
import fs from 'node:fs';
import path from 'node:path';

const BUFFER_BYTES = 1 << 18;

export class RowStore {
  #fd: number;
  #starts: number[] = [];
  #size = 0;
  #waiting: string[] = [];
  #waitingBytes = 0;
  #users = 0;
  #retired = false;

  /** `dir`: where the rows lie meanwhile; created where it is missing. */
  constructor(dir: string) {
    fs.mkdirSync(dir, { recursive: true });
    const file = path.join(dir, `.rows.${randomBytes(6).toString('hex')}.partial`);
    this.#fd = fs.openSync(file, 'wx+');
    // Nameless from here on: nothing is left behind, however the process ends.
    fs.rmSync(file, { force: true });
  }

  get count(): number {
    return this.#starts.length;
  }

  push(values: Record<string, unknown>): void {
    const text = `${JSON.stringify(values)}\n`;
    const sizeBytes = Buffer.byteLength(text);
    this.#starts.push(this.#size);
    this.#size += sizeBytes;
    this.#waiting.push(text);
    this.#waitingBytes += sizeBytes;
    if (this.#waitingBytes >= BUFFER_BYTES) this.flush();
  }

  /** Writes what is still in memory; to be called after the last row. Throws the file system's error. */
  flush(): void {
    if (this.#waiting.length > 0) fs.writeFileSync(this.#fd, this.#waiting.join(''));
    this.#waiting = [];
    this.#waitingBytes = 0;
  }

  /** JSON texts of the rows `from` to `to` (exclusive). */
  texts(from: number, to: number): string[] {
    const last = Math.min(to, this.count);
    if (from >= last) return [];
    const start = this.#starts[from]!;
    const bytes = Buffer.alloc((this.#starts[last] ?? this.#size) - start);
    for (let got = 0; got < bytes.length;) {
      const read = fs.readSync(this.#fd, bytes, got, bytes.length - got, start + got);
      if (read === 0) throw new Error('the rows end before the last one');
      got += read;
    }
    return bytes
      .toString('utf8')
      .split('\n')
      .slice(0, last - from);
  }

  /** Keeps the rows open, even where they are closed meanwhile, until the returned function is called. */
  hold(): () => void {
    this.#users++;
    return () => {
      this.#users--;
      if (this.#retired) this.close();
    };
  }

  /** Gives the disk back as soon as nobody reads. */
  close(): void {
    this.#retired = true;
    if (this.#users > 0 || this.#fd < 0) return;
    fs.closeSync(this.#fd);
    this.#fd = -1;
  }
}
