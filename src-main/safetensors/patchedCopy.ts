/**
 * A safetensors file again with some of its weights changed and everything else, header included, byte for byte: the
 * kernel copies the file, then one walk through the copy changes rows in place and hashes the whole. Writing to the
 * disk goes on meanwhile. Temporary name, fsync, rename.
 */
import { createHash, type Hash } from 'node:crypto';
import fs from 'node:fs';
import path from 'node:path';
import { setImmediate } from 'node:timers/promises';
import { syncFolder, temporaryNameFor } from '../files/writeWhole.ts';
import { editedPieces, type EditRows } from './editedRows.ts';
import { readExactly, type OpenFile, type SafetensorsFile } from './read.ts';
import type { WrittenFile } from './write.ts';
import { systemErrorAbout } from '../files/systemError.ts';

export interface PatchOptions {
  /** By tensor name; these keep their dtype. */
  changes: ReadonlyMap<string, EditRows>;
  chunkBytes: number;
  /** Bytes of the file done since the last call. What it throws stops the work. */
  onBytes: (bytes: number) => void;
}

/**
 * On any failure the temporary file is removed. Throws as editedPieces, and GraftError DISK_FULL, NOT_ALLOWED,
 * NOT_FOUND.
 */
export async function writePatchedCopy(
  source: SafetensorsFile,
  target: string,
  options: PatchOptions,
): Promise<WrittenFile> {
  const temporary = temporaryNameFor(target);
  try {
    await copyFile(source.file, temporary);
    fs.chmodSync(temporary, 0o644); // the copy of a read-only model is still ours to change
    const handle = await fs.promises.open(temporary, 'r+');
    let sha256: string;
    try {
      const early = handle.datasync(); // most of the bytes are final already
      early.catch(() => undefined); // awaited below, unless the walk fails first
      sha256 = await patchAndHash(source, handle.fd, options);
      await early;
      await handle.sync();
    } finally {
      await handle.close();
    }
    fs.renameSync(temporary, target);
    syncFolder(path.dirname(target));
    return { sizeBytes: source.sizeBytes, sha256 };
  } catch (error) {
    if (fs.existsSync(temporary)) fs.rmSync(temporary);
    throw systemErrorAbout(error, target);
  }
}

/** Node names the source in every error, also in those that are about the copy. */
async function copyFile(source: string, target: string): Promise<void> {
  try {
    await fs.promises.copyFile(source, target, fs.constants.COPYFILE_EXCL | fs.constants.COPYFILE_FICLONE);
  } catch (error) {
    throw Object.assign(error as Error, { path: fs.existsSync(source) ? target : source });
  }
}

async function patchAndHash(
  source: SafetensorsFile,
  fd: number,
  { changes, chunkBytes, onBytes }: PatchOptions,
): Promise<string> {
  const hash = createHash('sha256');
  const copy: OpenFile = { path: source.file, fd };
  const changed = [...source.tensors.values()]
    .filter(({ name }) => changes.has(name))
    .sort((a, b) => a.offset - b.offset);
  const buffer = new Uint8Array(Math.min(chunkBytes, source.sizeBytes));
  let at = 0;
  for (const info of changed) {
    await hashRange(hash, copy, at, info.offset, buffer, onBytes);
    at = info.offset;
    for (const piece of editedPieces({ ...info, source: copy }, info.dtype, changes.get(info.name), chunkBytes)) {
      hash.update(piece);
      for (let done = 0; done < piece.length;) done += fs.writeSync(fd, piece, done, piece.length - done, at + done);
      at += piece.length;
      onBytes(piece.length);
      await setImmediate();
    }
  }
  await hashRange(hash, copy, at, source.sizeBytes, buffer, onBytes);
  return hash.digest('hex');
}

async function hashRange(
  hash: Hash,
  file: OpenFile,
  from: number,
  to: number,
  buffer: Uint8Array,
  onBytes: (bytes: number) => void,
): Promise<void> {
  for (let at = from; at < to; at += buffer.length) {
    const piece = buffer.subarray(0, Math.min(buffer.length, to - at));
    readExactly(file, piece, at);
    hash.update(piece);
    onBytes(piece.length);
    await setImmediate();
  }
}
