/** Files of this user: opened without following a link, and looked at again once they are open. */
import crypto from 'node:crypto';
import fs from 'node:fs';
import path from 'node:path';
import { isOurs, isSafeFolder, linkRefused, lstat, makeSafeFolder, otherOwner, Refusal } from './paths.ts';

/** Below a folder that is copied: what is on its way in, by hash, and what is offered to be fetched. */
export const TRANSFER_FOLDER = '.graft-transfer';
export const MOST_READ_BYTES = 16 << 20;
// Windows has neither.
export const NO_FOLLOW = (fs.constants.O_NOFOLLOW ?? 0) | (fs.constants.O_NONBLOCK ?? 0);

export interface FoundFile {
  /** Below the folder that was asked for, with `/`. */
  path: string;
  sizeBytes: number;
}

/** A regular file of this user, open for reading; undefined where there is none. */
export function openOwn(file: string): { fd: number; stat: fs.Stats } | undefined {
  const before = lstat(file);
  if (!before) return undefined;
  checkOwnFile(file, before);
  const fd = fs.openSync(file, fs.constants.O_RDONLY | NO_FOLLOW);
  try {
    const stat = fs.fstatSync(fd);
    checkOwnFile(file, stat);
    return { fd, stat };
  } catch (error) {
    fs.closeSync(fd);
    throw error;
  }
}

export function checkOwnFile(file: string, stat: fs.Stats): void {
  if (stat.isSymbolicLink()) throw linkRefused(file);
  if (!isOurs(stat)) throw otherOwner(file, stat.uid);
  if (!stat.isFile())
    throw new Refusal('NOT_OURS', `${file} is not a regular file, so Graft does not read it; move it away.`);
}

export function readOwn(file: string, from: number, most: number): { base64: string; sizeBytes: number } | null {
  if (!isSafeFolder(path.dirname(file))) return null;
  const open = openOwn(file);
  if (!open) return null;
  try {
    const bytes = Buffer.alloc(Math.max(0, Math.min(open.stat.size - from, most, MOST_READ_BYTES)));
    let done = 0;
    while (done < bytes.length) {
      const got = fs.readSync(open.fd, bytes, done, bytes.length - done, from + done);
      if (got === 0) break;
      done += got;
    }
    return { base64: bytes.toString('base64', 0, done), sizeBytes: open.stat.size };
  } finally {
    fs.closeSync(open.fd);
  }
}

/** Under a temporary name first, flushed, then renamed: a reader sees the old file or the whole new one. */
export function writeOwn(file: string, text: string): void {
  makeSafeFolder(path.dirname(file));
  const there = lstat(file);
  if (there) checkOwnFile(file, there);
  const temporary = path.join(path.dirname(file), `.${crypto.randomBytes(9).toString('hex')}.partial`);
  try {
    const fd = fs.openSync(temporary, 'wx', 0o600);
    try {
      fs.writeFileSync(fd, text);
      fs.fsyncSync(fd);
    } finally {
      fs.closeSync(fd);
    }
    fs.renameSync(temporary, file);
    syncFolder(path.dirname(file));
  } catch (error) {
    fs.rmSync(temporary, { force: true });
    throw error;
  }
}

function syncFolder(dir: string): void {
  if (process.platform === 'win32') return;
  const fd = fs.openSync(dir, 'r');
  try {
    fs.fsyncSync(fd);
  } finally {
    fs.closeSync(fd);
  }
}

/** Sha-256 (hex) of a regular file of this user; null where there is none. */
export async function hashOf(file: string): Promise<string | null> {
  const open = openOwn(file);
  return open ? hashOpened(open.fd) : null;
}

/** Sha-256 (hex) of an open file, which is closed. */
export async function hashOpened(fd: number): Promise<string> {
  const hash = crypto.createHash('sha256');
  for await (const chunk of fs.createReadStream('', { fd, highWaterMark: 1 << 20 })) hash.update(chunk as Buffer);
  return hash.digest('hex');
}

/** Regular files of this user below `root`/`below`; links, and what belongs to others, are left out. */
export function filesBelow(root: string, below: string): FoundFile[] {
  const target = below === '' ? root : path.join(root, ...below.split('/'));
  const stat = lstat(target);
  if (!stat || !isOurs(stat)) return [];
  if (stat.isFile()) return [{ path: below, sizeBytes: stat.size }];
  if (!stat.isDirectory()) return [];
  return fs
    .readdirSync(target)
    .filter((name) => !(below === '' && name === TRANSFER_FOLDER))
    .sort()
    .flatMap((name) => filesBelow(root, below === '' ? name : `${below}/${name}`));
}

export function nearestExisting(target: string): string {
  return fs.existsSync(target) || path.dirname(target) === target ? target : nearestExisting(path.dirname(target));
}
