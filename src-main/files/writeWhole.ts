/**
 * Writing files so that nothing half-written is ever left under its final name:
 * a temporary name in the same folder, fsync, rename. On any failure the temporary name is removed.
 */
import { randomBytes } from 'node:crypto';
import fs from 'node:fs';
import path from 'node:path';
import { makeFolders } from './makeFolders.ts';

/** A name next to `target` that nobody else uses; it starts with a dot, names this process and ends with `.partial`. */
export function temporaryNameFor(target: string): string {
  const dir = path.dirname(target);
  const owner = (process.pid & 0xffffff).toString(16).padStart(6, '0');
  return path.join(dir, `.${path.basename(target)}.${owner}${randomBytes(3).toString('hex')}.partial`);
}

/** The id of the process that writes under a temporary name; undefined for any other name. */
export function ownerOfTemporary(name: string): number | undefined {
  const owner = /^\..+\.([0-9a-f]{6})[0-9a-f]{6}\.partial$/.exec(name)?.[1];
  return owner === undefined ? undefined : Number.parseInt(owner, 16);
}

/** The name that a temporary name stands for, also of one within another; undefined for any other name. */
export function nameBehindTemporary(name: string): string | undefined {
  const inner = /^\.(.+)\.[0-9a-f]{12}\.partial$/.exec(name)?.[1];
  return inner === undefined ? undefined : (nameBehindTemporary(inner) ?? inner);
}

/** Flushes a folder's entries to disk, where the platform allows it (Windows does not). */
export function syncFolder(dir: string): void {
  if (process.platform === 'win32') return;
  const fd = fs.openSync(dir, 'r');
  try {
    fs.fsyncSync(fd);
  } finally {
    fs.closeSync(fd);
  }
}

/** Writes `data` to `target` in one step: readers see the old file or the whole new one. */
export function writeFileAtomic(target: string, data: string | Uint8Array): void {
  const temporary = temporaryNameFor(target);
  try {
    const fd = fs.openSync(temporary, 'wx');
    try {
      fs.writeFileSync(fd, data);
      fs.fsyncSync(fd);
    } finally {
      fs.closeSync(fd);
    }
    fs.renameSync(temporary, target);
    syncFolder(path.dirname(target));
  } catch (error) {
    fs.rmSync(temporary, { force: true });
    throw error;
  }
}

/**
 * Runs `fill` on a new temporary folder next to `target`, then renames it to `target` in one step.
 * `target` must not exist, unless `replace` is set. Every file must be closed when `fill` returns.
 */
export async function writeFolderAtomic<T>(
  target: string,
  fill: (dir: string) => Promise<T> | T,
  options: { replace?: boolean } = {},
): Promise<T> {
  const temporary = temporaryNameFor(target);
  makeFolders(path.dirname(target));
  fs.mkdirSync(temporary);
  try {
    const result = await fill(temporary);
    for (const name of fs.readdirSync(temporary)) syncFile(path.join(temporary, name));
    syncFolder(temporary);
    if (options.replace) replaceFolder(temporary, target);
    else {
      fs.renameSync(temporary, target);
      syncFolder(path.dirname(target));
    }
    return result;
  } catch (error) {
    fs.rmSync(temporary, { recursive: true, force: true });
    throw error;
  }
}

/** Gives the folder `from` the name `target`; what had that name goes, but only once the new one is in its place. */
export function replaceFolder(from: string, target: string): void {
  const old = fs.existsSync(target) ? temporaryNameFor(target) : undefined;
  if (old) fs.renameSync(target, old);
  try {
    fs.renameSync(from, target);
  } catch (error) {
    if (old) fs.renameSync(old, target);
    throw error;
  }
  syncFolder(path.dirname(target));
  if (old) fs.rmSync(old, { recursive: true, force: true });
}

function syncFile(file: string): void {
  if (!fs.statSync(file).isFile()) return;
  const fd = fs.openSync(file, 'r+');
  try {
    fs.fsyncSync(fd);
  } finally {
    fs.closeSync(fd);
  }
}
