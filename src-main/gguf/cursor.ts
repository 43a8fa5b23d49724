/** Walks through the header of a GGUF file that somebody else made, and reads no more of it than it has to. */
import { GraftError } from '../../src-shared/errors.ts';
import { readExactly, type OpenFile } from '../safetensors/read.ts';

/** A tokenizer of a quarter of a million tokens with its merges takes some 15 MB. */
const MOST_HEADER_BYTES = 64 << 20;
/** A byte order mark is a character of its token. */
export const UTF8 = new TextDecoder('utf-8', { ignoreBOM: true });
const FIRST_READ_BYTES = 1 << 20;

export function ggufHeaderError(file: string, problem: string, details: Record<string, unknown> = {}): GraftError {
  return new GraftError(
    'GGUF_HEADER',
    `${file} is not a GGUF file that can be read: ${problem}; download or convert it again.`,
    { file, ...details },
  );
}

export class Cursor {
  readonly #source: OpenFile;
  readonly #fileBytes: number;
  #bytes = new Uint8Array(0);
  #view = new DataView(this.#bytes.buffer);
  at = 0;

  constructor(source: OpenFile, fileBytes: number) {
    this.#source = source;
    this.#fileBytes = fileBytes;
  }

  /** What has been walked through. */
  walked(): Uint8Array {
    return this.#bytes.slice(0, this.at);
  }

  /** Passes `count` bytes and returns where they begin. Throws GGUF_HEADER where the file or our patience ends. */
  skip(count: number, what: string): number {
    const end = this.at + count;
    if (end > this.#fileBytes)
      throw ggufHeaderError(this.#source.path, `${what} ends after the file, which has ${this.#fileBytes} bytes`);
    if (end > MOST_HEADER_BYTES)
      throw ggufHeaderError(
        this.#source.path,
        `its header goes on after ${MOST_HEADER_BYTES >> 20} MiB, more than that of any model (${what})`,
      );
    if (end > this.#bytes.length) this.#load(end);
    const from = this.at;
    this.at = end;
    return from;
  }

  uint32(what: string): number {
    const at = this.skip(4, what);
    return this.#view.getUint32(at, true);
  }

  /** A length or a count. Throws GGUF_HEADER above `most`. */
  count(most: number, what: string): number {
    const at = this.skip(8, what);
    const count = this.#view.getUint32(at, true) + 2 ** 32 * this.#view.getUint32(at + 4, true);
    if (count <= most) return count;
    const exact = this.#view.getBigUint64(at, true);
    throw ggufHeaderError(this.#source.path, `${what} is ${exact}, more than the ${most} that can be`);
  }

  /** Most bytes that something at this place can still take. */
  left(): number {
    return Math.min(this.#fileBytes, MOST_HEADER_BYTES) - this.at;
  }

  string(what: string, most = this.left()): string {
    const length = this.count(most, `the length of ${what}`);
    const from = this.skip(length, what);
    return UTF8.decode(this.#bytes.subarray(from, from + length));
  }

  /** Passes a string without making it. */
  skipString(what: string): void {
    this.skip(this.count(this.left(), `the length of ${what}`), what);
  }

  #load(end: number): void {
    const room = Math.min(this.#fileBytes, MOST_HEADER_BYTES, Math.max(FIRST_READ_BYTES, 2 * this.#bytes.length));
    const grown = new Uint8Array(Math.max(end, room));
    grown.set(this.#bytes);
    readExactly(this.#source, grown.subarray(this.#bytes.length), this.#bytes.length);
    this.#bytes = grown;
    this.#view = new DataView(grown.buffer);
  }
}
