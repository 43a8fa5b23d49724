/**
 * A file without a name for rows that are looked at: the system removes it when it is closed, or however the process
 * ends. A thread may read and write it by its number; so it is closed only once nobody holds it, since the next file
 * that is opened gets the number.
 */
import { randomBytes } from 'node:crypto';
import fs from 'node:fs';
import path from 'node:path';

export class RowFile {
  readonly fd: number;
  #users = 0;
  #retired = false;
  #isOpen = true;

  /** `dir`: where it lies; created where it is missing. */
  constructor(dir: string) {
    fs.mkdirSync(dir, { recursive: true });
    const file = path.join(dir, `.rows.${randomBytes(6).toString('hex')}.partial`);
    this.fd = fs.openSync(file, 'wx+');
    // Nameless from here on: nothing is left behind, however the process ends.
    fs.rmSync(file, { force: true });
  }

  get isOpen(): boolean {
    return this.#isOpen;
  }

  /** Keeps it open, even where it is closed meanwhile, until the returned function is called. */
  hold(): () => void {
    this.#users++;
    return () => {
      this.#users--;
      if (this.#retired) this.close();
    };
  }

  /** Gives the disk back as soon as nobody holds it. */
  close(): void {
    this.#retired = true;
    if (this.#users > 0 || !this.#isOpen) return;
    this.#isOpen = false;
    fs.closeSync(this.fd);
  }
}
