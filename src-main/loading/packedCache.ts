/**
 * The packed forms of bases, kept in Graft's cache folder so that loading one again is a read: a folder for each base
 * by its hash, in it a file for each matrix (packedFile.ts). All of it may go at any time; the least recently used
 * files go by themselves once there is more than `limitBytes`.
 */
import fs from 'node:fs';
import path from 'node:path';
import { cacheFolder } from '../files/cacheFolder.ts';
import { freeBytesAt, sizeText } from '../files/freeSpace.ts';
import { isAlive } from '../files/isAlive.ts';
import { ownerOfTemporary } from '../files/writeWhole.ts';
import { openPacked, packedFileName, PackedWriter, type OpenPacked, type PackedKey } from './packedFile.ts';

/** Two models of 70B in nf4. */
const LIMIT_BYTES = 80e9;
/** Of the disk that other programs can count on. */
const LEFT_FREE_BYTES = 2e9;

export function packedCacheDir(): string {
  return path.join(cacheFolder(), 'packed');
}

interface Kept {
  file: string;
  sizeBytes: number;
  usedMs: number;
}

export class PackedCache {
  readonly dir: string;
  #limitBytes: number;
  #leftFreeBytes: number;

  constructor({ dir = packedCacheDir(), limitBytes = LIMIT_BYTES, leftFreeBytes = LEFT_FREE_BYTES } = {}) {
    this.dir = dir;
    this.#limitBytes = limitBytes;
    this.#leftFreeBytes = leftFreeBytes;
  }

  fileOf(key: PackedKey): string {
    return path.join(this.dir, key.base, packedFileName(key));
  }

  /** Whether there is a file for it; what is in it is found out by opening it. */
  has(key: PackedKey): boolean {
    return fs.existsSync(this.fileOf(key));
  }

  /** As openPacked; a damaged file is removed. What is opened counts as used now. */
  open(key: PackedKey, bytes: number): OpenPacked | 'damaged' | null {
    const file = this.fileOf(key);
    const opened = openPacked(file, key, bytes);
    if (opened === 'damaged') fs.rmSync(file, { force: true, recursive: true });
    else if (opened) touch(file);
    return opened;
  }

  /** Throws the file system's error. */
  writer(key: PackedKey): PackedWriter {
    return new PackedWriter(this.fileOf(key));
  }

  /**
   * Makes room for files of `bytes` beside those of `wanted`. Says in a sentence why there is none; nothing more is
   * kept then. Called before anything is written.
   */
  reserve(bytes: number, wanted: PackedKey[]): string | null {
    if (bytes === 0) return null;
    if (bytes > this.#limitBytes)
      return (
        `The packed base is not kept for the next time: it takes ${sizeText(bytes)}, and the cache may hold ` +
        `${sizeText(this.#limitBytes)}.`
      );
    this.sweep();
    const own = new Set(wanted.map((key) => this.fileOf(key)));
    const others = keptFiles(this.dir)
      .filter(({ file }) => !own.has(file))
      .sort((a, b) => a.usedMs - b.usedMs);
    const ownBytes = keptFiles(this.dir).reduce((sum, { file, sizeBytes }) => sum + (own.has(file) ? sizeBytes : 0), 0);
    let held = others.reduce((sum, { sizeBytes }) => sum + sizeBytes, ownBytes);
    const lacks = (): boolean =>
      held + bytes > this.#limitBytes || (freeBytesAt(this.dir) ?? Infinity) < bytes + this.#leftFreeBytes;
    for (const { file, sizeBytes } of others) {
      if (!lacks()) break;
      fs.rmSync(file, { force: true });
      held -= sizeBytes;
    }
    const free = freeBytesAt(this.dir);
    if (free === null || free >= bytes + this.#leftFreeBytes) return null;
    return (
      `The packed base is not kept for the next time: ${this.dir} would need ${sizeText(bytes)}, ` +
      `and its disk has ${sizeText(free)} free; free some space to load faster next time.`
    );
  }

  /** Removes what processes that are gone left half-written. Never throws. */
  sweep(): void {
    for (const { file } of filesBelow(this.dir)) {
      const pid = ownerOfTemporary(path.basename(file));
      if (pid === undefined || pid === process.pid || isAlive(pid)) continue;
      fs.rmSync(file, { force: true });
    }
  }

  /** Removes what is kept of a base. Never throws. */
  forget(hash: string): void {
    fs.rmSync(path.join(this.dir, hash), { recursive: true, force: true });
  }
}

function touch(file: string): void {
  try {
    const now = new Date();
    fs.utimesSync(file, now, now);
  } catch {
    // A cache that can only be read is read all the same.
  }
}

const keptFiles = (dir: string): Kept[] => filesBelow(dir).filter(({ file }) => file.endsWith('.pack'));

function filesBelow(dir: string): Kept[] {
  const kept: Kept[] = [];
  let names: string[] = [];
  try {
    names = fs.readdirSync(dir, { recursive: true, encoding: 'utf8' });
  } catch {
    return [];
  }
  for (const name of names) {
    const file = path.join(dir, name);
    const stat = fs.statSync(file, { throwIfNoEntry: false });
    if (stat?.isFile()) kept.push({ file, sizeBytes: stat.size, usedMs: stat.mtimeMs });
  }
  return kept;
}
