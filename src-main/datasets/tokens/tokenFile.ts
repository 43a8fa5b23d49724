/**
 * Tokenised rows in a file: a record per row (tokenRecord.ts), then where each begins and what is known of it, then the
 * facts about all of them, then where those parts are. It has its name only once it is whole and on the disk.
 */
import fs from 'node:fs';
import path from 'node:path';
import { crc32 } from 'node:zlib';
import { GraftError } from '../../../src-shared/errors.ts';
import { parseJson } from '../../files/parseJson.ts';
import { syncFolder, temporaryNameFor } from '../../files/writeWhole.ts';
import { NumberList } from '../rowStore.ts';
import type { TokenisedExample } from '../types.ts';
import type { RowFacts, RowList } from './rowList.ts';
import { decodeRecord, type IdBytes } from './tokenRecord.ts';

const MAGIC = 'graft tokens 1\n\0';
/** Magic, number of rows, start of the index, bytes of the facts, checksum of index and facts. */
const TAIL_BYTES = 16 + 4 * 8;
/** Per row: start, line; tokens, group, end. */
const ROW_BYTES = 2 * 8 + 3 * 4;

/** What all rows together are, as JSON. */
export interface FileFacts<T> {
  idBytes: IdBytes;
  /** The class of each number of one in the records, where those are in order of appearance. */
  classOf?: number[] | undefined;
  own: T;
}

/** What is known of a row beside its record. */
interface WrittenRow {
  sizeBytes: number;
  line: number;
  tokens: number;
  group: number;
  end: number;
}

export class TokenFileWriter {
  #temporary: string;
  #fd: number;
  #size = 0;
  #starts = new NumberList();
  #lines = new NumberList();
  #tokens = new NumberList();
  #groups = new NumberList();
  #ends = new NumberList();

  /** `dir`: where the file will lie. Throws the file system's error. */
  constructor(dir: string) {
    fs.mkdirSync(dir, { recursive: true });
    this.#temporary = temporaryNameFor(path.join(dir, 'tokens'));
    this.#fd = fs.openSync(this.#temporary, 'wx', 0o600);
  }

  get rows(): number {
    return this.#starts.count;
  }

  /** `records`: of `rows`, one after the other. */
  write(records: Uint8Array, rows: readonly WrittenRow[]): void {
    for (const { sizeBytes, line, tokens, group, end } of rows) {
      this.#starts.push(this.#size);
      this.#size += sizeBytes;
      this.#lines.push(line);
      this.#tokens.push(tokens);
      this.#groups.push(group);
      this.#ends.push(end);
    }
    this.#append(records);
  }

  /** Gives the file its name, in the same folder. */
  finish<T>(target: string, facts: FileFacts<T>): void {
    const rows = this.#starts.count;
    const index = new Uint8Array(ROW_BYTES * rows);
    new Float64Array(index.buffer, 0, rows).set(this.#starts.values());
    new Float64Array(index.buffer, 8 * rows, rows).set(this.#lines.values());
    for (const [i, list] of [this.#tokens, this.#groups, this.#ends].entries())
      new Int32Array(index.buffer, (16 + 4 * i) * rows, rows).set(list.values());
    const json = Buffer.from(JSON.stringify(facts));
    const tail = Buffer.alloc(TAIL_BYTES);
    tail.write(MAGIC, 'latin1');
    tail.writeDoubleLE(rows, 16);
    tail.writeDoubleLE(this.#size, 24);
    tail.writeDoubleLE(json.length, 32);
    tail.writeDoubleLE(crc32(json, crc32(index)), 40);
    for (const part of [index, json, tail]) this.#append(part);
    fs.fsyncSync(this.#fd);
    fs.closeSync(this.#fd);
    fs.renameSync(this.#temporary, target);
    syncFolder(path.dirname(target));
  }

  /** Leaves nothing behind. */
  discard(): void {
    fs.closeSync(this.#fd);
    fs.rmSync(this.#temporary, { force: true });
  }

  #append(bytes: Uint8Array): void {
    for (let done = 0; done < bytes.length;) done += fs.writeSync(this.#fd, bytes, done);
  }
}

/** The rows of such a file, read one by one as they are asked for. */
export class TokenFile<T> implements RowList {
  readonly facts: RowFacts;
  readonly own: T;
  #file: string;
  #fd: number;
  #starts: Float64Array;
  #end: number;
  #idBytes: IdBytes;
  #classOf: number[] | undefined;

  private constructor(
    file: string,
    fd: number,
    parts: { starts: Float64Array; end: number; facts: RowFacts } & FileFacts<T>,
  ) {
    this.#file = file;
    this.#fd = fd;
    this.#starts = parts.starts;
    this.#end = parts.end;
    this.facts = parts.facts;
    this.own = parts.own;
    this.#idBytes = parts.idBytes;
    this.#classOf = parts.classOf;
  }

  /** Null where there is none; 'damaged' where it is not whole, or something else. */
  static open<T>(file: string): TokenFile<T> | 'damaged' | null {
    let fd: number;
    try {
      fd = fs.openSync(file, 'r');
    } catch {
      return null;
    }
    const parts = readParts<T>(fd);
    if (parts) return new TokenFile(file, fd, parts);
    fs.closeSync(fd);
    return 'damaged';
  }

  get length(): number {
    return this.#starts.length;
  }

  /** Throws TOKENS_DAMAGED where the disk gives other bytes than were written; the file is gone then. */
  at(index: number): TokenisedExample | undefined {
    if (index < 0 || index >= this.length) return undefined;
    const start = this.#starts[index]!;
    const bytes = new Uint8Array((index + 1 < this.length ? this.#starts[index + 1]! : this.#end) - start);
    const row = readFully(this.#fd, bytes, start) ? decodeRecord(bytes, this.#idBytes) : undefined;
    if (row) {
      const own = row.class === undefined ? {} : { class: this.#classOf?.[row.class] ?? row.class };
      return { line: this.facts.lines[index]!, group: this.facts.groups[index]!, ...row, ...own };
    }
    fs.rmSync(this.#file, { force: true });
    throw new GraftError(
      'TOKENS_DAMAGED',
      `The tokens of row ${index + 1} in ${this.#file} are not what was written, so the file is removed; start ` +
        'again, which tokenises the rows anew, and check the disk if it comes again.',
      { file: this.#file },
    );
  }

  close(): void {
    fs.closeSync(this.#fd);
  }
}

function readParts<T>(fd: number): ({ starts: Float64Array; end: number; facts: RowFacts } & FileFacts<T>) | undefined {
  const { size } = fs.fstatSync(fd);
  const tail = Buffer.alloc(TAIL_BYTES);
  if (size < TAIL_BYTES || !readFully(fd, tail, size - TAIL_BYTES)) return undefined;
  if (tail.toString('latin1', 0, 16) !== MAGIC) return undefined;
  const [rows, indexStart, jsonBytes, checksum] = [16, 24, 32, 40].map((at) => tail.readDoubleLE(at));
  if (indexStart! + ROW_BYTES * rows! + jsonBytes! + TAIL_BYTES !== size) return undefined;
  const bytes = new Uint8Array(ROW_BYTES * rows! + jsonBytes!);
  if (!readFully(fd, bytes, indexStart!) || crc32(bytes) !== checksum) return undefined;
  const json = parseJson(Buffer.from(bytes.buffer, ROW_BYTES * rows!).toString('utf8'));
  if ('problem' in json) return undefined;
  const numbers = (i: number): Int32Array => new Int32Array(bytes.buffer, (16 + 4 * i) * rows!, rows);
  return {
    ...(json.value as FileFacts<T>),
    starts: new Float64Array(bytes.buffer, 0, rows),
    end: indexStart!,
    facts: {
      lines: new Float64Array(bytes.buffer, 8 * rows!, rows),
      tokens: numbers(0),
      groups: numbers(1),
      ends: numbers(2),
    },
  };
}

function readFully(fd: number, bytes: Uint8Array, position: number): boolean {
  for (let got = 0; got < bytes.length;) {
    const read = fs.readSync(fd, bytes, got, bytes.length - got, position + got);
    if (read === 0) return false;
    got += read;
  }
  return true;
}
