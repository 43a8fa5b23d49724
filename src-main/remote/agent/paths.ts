/**
 * Whose files these are is not left to chance: folders that a file lies in must be this user's, links on the way to
 * them this user's or root's, and new folders are for this user alone.
 */
import fs from 'node:fs';
import os from 'node:os';
import path from 'node:path';

/** An error with a sentence of its own; all others are the system's. */
export class Refusal extends Error {
  readonly code: 'NOT_OURS' | 'NOT_FOUND' | 'BAD_INPUT' | 'NO_ANSWER';
  constructor(code: Refusal['code'], message: string) {
    super(message);
    this.code = code;
  }
}

export function ownUid(): number {
  return process.getuid?.() ?? -1;
}

/** Absolute, without `.` and `..`; `~` is this user's home folder. */
export function resolvePath(given: string): string {
  if (typeof given !== 'string' || given.includes('\0'))
    throw new Refusal('BAD_INPUT', `${JSON.stringify(given)} is no path that a system takes.`);
  if (given === '~' || given.startsWith('~/')) return path.join(os.homedir(), given.slice(1));
  if (!path.isAbsolute(given))
    throw new Refusal('BAD_INPUT', `The path ${JSON.stringify(given)} must begin with / or ~/.`);
  return path.resolve(given);
}

export function lstat(target: string): fs.Stats | undefined {
  return fs.lstatSync(target, { throwIfNoEntry: false });
}

export function isOurs(stat: fs.Stats): boolean {
  return ownUid() < 0 || stat.uid === ownUid();
}

export function linkRefused(target: string): Refusal {
  return new Refusal(
    'NOT_OURS',
    `${target} is a link, which Graft does not follow; remove it, or name the folder that it points to.`,
  );
}

export function otherOwner(target: string, uid: number): Refusal {
  return new Refusal(
    'NOT_OURS',
    `${target} belongs to another user (number ${uid}), so Graft does not touch it; choose another work folder.`,
  );
}

/** The folders from the root to `dir`, itself the last. */
function foldersTo(dir: string): string[] {
  const parent = path.dirname(dir);
  return parent === dir ? [dir] : [...foldersTo(parent), dir];
}

/**
 * That the way to `dir` is nobody else's making: links on it belong to this user or to root, and `dir` itself is no
 * link, and this user's. False where `dir`, or a folder above it, is missing.
 */
export function isSafeFolder(dir: string): boolean {
  for (const folder of foldersTo(dir)) {
    const stat = lstat(folder);
    if (!stat) return false;
    if (stat.isSymbolicLink()) {
      if (folder === dir) throw linkRefused(folder);
      if (stat.uid !== 0 && !isOurs(stat)) throw otherOwner(folder, stat.uid);
    } else if (!stat.isDirectory()) {
      throw new Refusal('NOT_OURS', `${folder} is not a folder; move it away, or choose another work folder.`);
    } else if (folder === dir && !isOurs(stat)) throw otherOwner(folder, stat.uid);
  }
  return true;
}

/** Makes `dir` and what is missing above it, readable by this user alone. */
export function makeSafeFolder(dir: string): void {
  if (isSafeFolder(dir)) return;
  for (const folder of foldersTo(dir)) {
    if (!fs.existsSync(folder)) {
      if (lstat(folder)) throw linkRefused(folder);
      try {
        fs.mkdirSync(folder, { mode: 0o700 });
      } catch (error) {
        // Another process may have been faster.
        if (!(error instanceof Error && 'code' in error && error.code === 'EEXIST')) throw error;
      }
    }
  }
  isSafeFolder(dir);
}

/** `below` under `root`, each folder between them checked; names that leave `root` are refused. */
export function pathBelow(root: string, below: string): string {
  const parts = below.split('/');
  if (below.includes('\0') || parts.some((part) => part === '' || part === '.' || part === '..'))
    throw new Refusal('BAD_INPUT', `${JSON.stringify(below)} is no path below ${root}.`);
  return path.join(root, ...parts);
}

/** False where a folder on the way from `root` to the file is missing. */
export function isSafeBelow(root: string, below: string): boolean {
  const folders = below.split('/').slice(0, -1);
  return folders.every((_, i) => isSafeFolder(path.join(root, ...folders.slice(0, i + 1))));
}
