/**
 * A safetensors file again with some of its weights changed and everything else, header included, byte for byte: the
 * kernel copies the file, then rows are changed in place, while a thread hashes what comes of it. Writing to the disk
 * goes on meanwhile. Temporary name, fsync, rename.
 */
import fs from 'node:fs';
import path from 'node:path';
import { setImmediate } from 'node:timers/promises';
import { syncFolder, temporaryNameFor } from '../files/writeWhole.ts';
import { editedPieces, type EditRows } from './editedRows.ts';
import { hashInThread } from './hashInThread.ts';
import { hashOfCopy, type HashQuestion } from './hashQuestion.ts';
import { fileClosed, type SafetensorsFile, type TensorInfo } from './read.ts';
import type { WrittenFile } from './write.ts';
import { systemErrorAbout } from '../files/systemError.ts';

export interface PatchOptions {
  /** By tensor name; these keep their dtype. */
  changes: ReadonlyMap<string, EditRows>;
  chunkBytes: number;
  /** Bytes of the file done since the last call. What it throws stops the work. */
  onBytes: (bytes: number) => void;
  /** Hashes in a thread. Absent: where there is enough to hash. */
  inThread?: boolean;
}

/** Starting a thread takes as long as hashing less. */
const WORTH_THREAD = 64 << 20;

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
  const { sizeBytes } = source;
  const { changes, onBytes, inThread = sizeBytes >= WORTH_THREAD } = options;
  const changed = tensorsOf(source).filter(({ name }) => changes.has(name));
  const written = new BigInt64Array(new SharedArrayBuffer(8));
  // Aborted, with the reason, by whatever fails first.
  const failure = new AbortController();
  const guarded = async <T>(work: Promise<T>): Promise<T> => {
    try {
      return await work;
    } catch (error) {
      failure.abort(error);
      throw error;
    }
  };
  const onHashed = (bytes: number): void => {
    try {
      onBytes(bytes);
    } catch (error) {
      failure.abort(error);
    }
  };
  try {
    const question = inThread ? hashQuestion(source, temporary, changed, written) : afterwards(source, temporary);
    const copying = guarded(copyAndPatch(source, temporary, { ...options, changed, written, signal: failure.signal }));
    const hashing = guarded(
      inThread ? hashInThread(question, onHashed, failure.signal) : copying.then(() => hashOfCopy(question, onHashed)),
    );
    await Promise.allSettled([copying, hashing]);
    failure.signal.throwIfAborted();
    const sha256 = await hashing;
    fs.renameSync(temporary, target);
    syncFolder(path.dirname(target));
    return { sizeBytes, sha256 };
  } catch (error) {
    if (fs.existsSync(temporary)) fs.rmSync(temporary);
    throw systemErrorAbout(error, target);
  }
}

/** In the order of the file. */
function tensorsOf({ tensors }: SafetensorsFile): TensorInfo[] {
  return [...tensors.values()].sort((a, b) => a.offset - b.offset);
}

function hashQuestion(
  { file, sizeBytes, tensors }: SafetensorsFile,
  copy: string,
  changed: TensorInfo[],
  written: HashQuestion['written'],
): HashQuestion {
  const [{ source } = { source: { fd: undefined } }] = tensors.values();
  if (source.fd === undefined) throw fileClosed({ path: file, fd: undefined });
  const ranges = changed.map(({ offset, byteLength }) => ({ start: offset, end: offset + byteLength }));
  return { source: { path: file, fd: source.fd }, copy, sizeBytes, changed: ranges, written };
}

/** Of a copy that is done: all of it is read there. */
function afterwards({ file, sizeBytes }: SafetensorsFile, copy: string): HashQuestion {
  const written = new BigInt64Array(new SharedArrayBuffer(8)).fill(BigInt(sizeBytes));
  return { source: { path: file, fd: -1 }, copy, sizeBytes, changed: [{ start: 0, end: sizeBytes }], written };
}

interface Patching extends PatchOptions {
  /** In the order of the file. */
  changed: TensorInfo[];
  /** Told how far the changes have come. */
  written: HashQuestion['written'];
  signal: AbortSignal;
}

async function copyAndPatch(source: SafetensorsFile, copy: string, patching: Patching): Promise<void> {
  await copyFile(source.file, copy);
  fs.chmodSync(copy, 0o644); // the copy of a read-only model is still ours to change
  const handle = await fs.promises.open(copy, 'r+');
  try {
    const early = handle.datasync(); // most of the bytes are final already
    early.catch(() => undefined); // awaited below, unless the walk fails first
    await patch(handle.fd, patching);
    await early;
    await handle.sync();
  } finally {
    await handle.close();
  }
}

async function patch(fd: number, { changed, changes, chunkBytes, written, signal }: Patching): Promise<void> {
  for (const info of changed) {
    let at = info.offset;
    for (const piece of editedPieces(info, info.dtype, changes.get(info.name), chunkBytes)) {
      signal.throwIfAborted();
      for (let done = 0; done < piece.length;) done += fs.writeSync(fd, piece, done, piece.length - done, at + done);
      at += piece.length;
      Atomics.store(written, 0, BigInt(at));
      Atomics.notify(written, 0);
      await setImmediate();
    }
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
