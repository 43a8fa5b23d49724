/**
 * A packed matrix as a file of the cache: its words from byte 0 on; a trailer in JSON that says what they are, with a
 * CRC-32 for each run of bytes; then the trailer's length and CRC-32 and eight letters. A file that is cut off, changed
 * or of something else is told by these. It is written under a temporary name and renamed, and never flushed: what
 * a power cut leaves of it is told by its checksums like any other damage, and no load waits for the disk.
 */
import { createHash } from 'node:crypto';
import fs from 'node:fs';
import path from 'node:path';
import { crc32 } from 'node:zlib';
import { z } from 'zod';
import { openRegularFile } from '../files/foreignFile.ts';
import { temporaryNameFor } from '../files/writeWhole.ts';
import { readExactly } from '../safetensors/read.ts';
import type { PackedFormat } from '../engine/packed/formats.ts';

/** Raised whenever the words of a form, or what packing a value gives, change. */
export const LAYOUT_VERSION = 1;

/** What a file holds, in full: two matrices with the same key have the same words. */
export interface PackedKey {
  version: typeof LAYOUT_VERSION;
  /** `hash` and `stamp` of the base (basemodel/identity.ts): the hash alone would not notice a changed middle. */
  base: string;
  stamp: string;
  tensor: string;
  firstRow: number;
  R: number;
  C: number;
  format: PackedFormat;
}

/** A run of bytes, checked as one. */
const runSchema = z.object({ start: z.number(), length: z.number(), crc: z.number() });
export type PackedRun = z.infer<typeof runSchema>;
const trailerSchema = z.object({ key: z.unknown(), runs: z.array(runSchema) });

const LETTERS = 'GRAFTPAK';
const END_BYTES = 16;
const MOST_TRAILER_BYTES = 16 << 20;

export function packedFileName(key: PackedKey): string {
  return `${createHash('sha256').update(keyText(key)).digest('hex').slice(0, 32)}.pack`;
}

const keyText = ({ version, base, stamp, tensor, firstRow, R, C, format }: PackedKey): string =>
  JSON.stringify({ version, base, stamp, tensor, firstRow, R, C, format });

export interface OpenPacked {
  file: string;
  fd: number;
  runs: PackedRun[];
}

/**
 * Opens the file of a matrix of `bytes`, whose runs are still to be read and checked; the caller closes `fd`. Null
 * where it is not there, `damaged` where it is cut off, changed, or not what its name says.
 */
export function openPacked(file: string, key: PackedKey, bytes: number): OpenPacked | 'damaged' | null {
  if (!fs.existsSync(file)) return null;
  let fd: number | undefined;
  try {
    const opened = openRegularFile(file);
    fd = opened.fd;
    const runs = runsOf({ path: file, fd }, opened.stat.size, key, bytes);
    if (runs) return { file, fd, runs };
  } catch {
    // What cannot be read is made again; what cannot be written then is told there.
  }
  if (fd !== undefined) fs.closeSync(fd);
  return 'damaged';
}

function runsOf(
  source: { path: string; fd: number },
  size: number,
  key: PackedKey,
  bytes: number,
): PackedRun[] | undefined {
  const end = Buffer.alloc(END_BYTES);
  readExactly(source, end, size - END_BYTES);
  const length = end.readUInt32LE(0);
  if (end.toString('latin1', 8) !== LETTERS || length > MOST_TRAILER_BYTES || bytes + length + END_BYTES !== size)
    return undefined;
  const trailer = Buffer.alloc(length);
  readExactly(source, trailer, bytes);
  if (crc32(trailer) !== end.readUInt32LE(4)) return undefined;
  const { key: held, runs } = trailerSchema.parse(JSON.parse(trailer.toString()));
  return JSON.stringify(held) === keyText(key) && coverAll(runs, bytes) ? runs : undefined;
}

/** Every byte belongs to one run, in whole words. */
function coverAll(runs: PackedRun[], bytes: number): boolean {
  let at = 0;
  for (const { start, length } of runs) {
    if (start !== at || length <= 0 || length % 4 !== 0) return false;
    at += length;
  }
  return at === bytes;
}

/** Writes a packed matrix. Its runs are written to `fd`, at their places, by whoever makes them. */
export class PackedWriter {
  readonly fd: number;
  #file: string;
  #temporary: string;
  /** Threads that may write to `fd`: it must not be closed before they have left, since its number is used again. */
  #holds = 0;
  #over = false;

  /** Throws the file system's error. */
  constructor(file: string) {
    this.#file = file;
    fs.mkdirSync(path.dirname(file), { recursive: true });
    this.#temporary = temporaryNameFor(file);
    this.fd = fs.openSync(this.#temporary, 'wx');
  }

  /** Keeps `fd` open until the returned function is called. */
  hold(): () => void {
    this.#holds++;
    return () => {
      this.#holds--;
      this.#closeWhenLeft();
    };
  }

  /** Once every run is written. Throws the file system's error; nothing stays then. */
  finish(key: PackedKey, runs: PackedRun[], bytes: number): void {
    const sorted = runs.toSorted((a, b) => a.start - b.start);
    const trailer = Buffer.from(`{"key":${keyText(key)},"runs":${JSON.stringify(sorted)}}`);
    const end = Buffer.alloc(END_BYTES);
    end.writeUInt32LE(trailer.length, 0);
    end.writeUInt32LE(crc32(trailer), 4);
    end.write(LETTERS, 8, 'latin1');
    try {
      fs.writeSync(this.fd, Buffer.concat([trailer, end]), 0, undefined, bytes);
      fs.renameSync(this.#temporary, this.#file);
    } catch (error) {
      this.abandon();
      throw error;
    }
    this.#over = true;
    this.#closeWhenLeft();
  }

  abandon(): void {
    fs.rmSync(this.#temporary, { force: true });
    this.#over = true;
    this.#closeWhenLeft();
  }

  #closeWhenLeft(): void {
    if (!this.#over || this.#holds > 0) return;
    this.#over = false;
    fs.closeSync(this.fd);
  }
}
