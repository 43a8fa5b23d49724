/**
 * Files from one machine to another. They travel under the names of their SHA-256, into a folder beside their places,
 * and get their own names once their bytes are seen to be the right ones: what was cut off goes on under the same name,
 * and no name that a user chose ever stands in a list of files for rsync or sftp.
 */
import fs from 'node:fs';
import os from 'node:os';
import path from 'node:path';
import { GraftError } from '../../src-shared/errors.ts';
import { hashOpened, type FoundFile } from './agent/ownFiles.ts';
import type { HashedPath } from './agent/transfers.ts';
import type { Ask } from './ask.ts';
import { askHere } from './askHere.ts';
import type { TransferOptions } from './machine.ts';

/** Moves the files that have the names of these hashes between a folder here and one there. Throws GraftError. */
export type Move = (files: readonly MoveFile[], job: MoveJob) => Promise<void>;
export type MoveFile = FoundFile & HashedPath;
export interface MoveJob {
  /** 'send': `from` is here; 'fetch': `from` is there. */
  way: 'send' | 'fetch';
  from: string;
  to: string;
  /** Bytes that have arrived in `to` before, by hash. */
  arrived: Record<string, number>;
  signal?: AbortSignal | undefined;
}

interface Transfer extends TransferOptions {
  /** Of the machine, for sentences. */
  name: string;
  from: string;
  to: string;
}

const SLOWEST_HASH_BYTES_PER_MS = 10_000;
const LOOK_MS = 500;
const SHA256 = /^[0-9a-f]{64}$/;

/** This machine's own side of a transfer. */
const here = askHere({});

export async function sendFiles(there: Ask, move: Move, job: Transfer): Promise<void> {
  const sources = new Map<string, string>();
  const files: MoveFile[] = [];
  for (const { path: below, sizeBytes, file } of sourceFiles(job.from)) {
    stopIfAsked(job);
    const sha256 = await hashOpened(fs.openSync(file, 'r'));
    sources.set(sha256, file);
    files.push({ path: below, sizeBytes, sha256 });
  }
  const missing = await missingAt(there, job.to, files);
  if (missing.length === 0) return report(job, files, [], {});
  const to = await there('receive', { dir: job.to });
  const rest = { arrived: await there('arrived', { dir: job.to }), signal: job.signal };
  const from = fs.mkdtempSync(path.join(os.tmpdir(), 'graft-send-'));
  try {
    for (const { sha256 } of missing) {
      if (!fs.existsSync(path.join(from, sha256))) fs.symlinkSync(sources.get(sha256)!, path.join(from, sha256));
    }
    await watched(there, job, files, missing, () => move(missing, { way: 'send', from, to, ...rest }));
    await place(there, job, missing);
  } finally {
    fs.rmSync(from, { recursive: true, force: true });
  }
  report(job, files, [], {});
}

export async function fetchFiles(
  there: Ask,
  move: Move,
  job: Transfer & { only?: readonly string[] | undefined },
): Promise<void> {
  const found = await there('list', { dir: job.from, only: job.only });
  const hashes = await hashesAt(there, job.from, found);
  // They become names here, and stand in what sftp is told to do.
  const odd = hashes.find((hash) => hash !== null && !SHA256.test(hash));
  if (odd !== undefined) {
    const sentence = `${job.name} gave something else than a hash for a file of ${job.from}, so nothing was copied.`;
    throw new GraftError('TRANSFER_BROKEN', sentence, { machine: job.name, from: job.from, got: odd });
  }
  // A file that has vanished since it was listed is no longer one of them.
  const files = found.flatMap((file, i) => (hashes[i] ? [{ ...file, sha256: hashes[i] }] : []));
  const missing = await missingAt(here, job.to, files);
  if (missing.length === 0) return report(job, files, [], {});
  const to = await here('receive', { dir: job.to });
  const rest = { arrived: await here('arrived', { dir: job.to }), signal: job.signal };
  const from = await there('offer', { dir: job.from, files: missing }, hashDeadlineMs(missing));
  try {
    await watched(here, job, files, missing, () => move(missing, { way: 'fetch', from, to, ...rest }));
    await place(here, job, missing);
  } finally {
    await there('withdraw', { folder: from }).catch(() => undefined);
  }
  report(job, files, [], {});
}

/** Files on this machine, whoever owns them; a link to a file counts as that file, one to a folder as nothing. */
function sourceFiles(root: string, below = ''): (FoundFile & { file: string })[] {
  const target = path.join(root, ...below.split('/'));
  if (below === '' && !fs.existsSync(target))
    throw new GraftError('NOT_FOUND', `${target} does not exist; check the path.`, { path: target });
  return fs
    .readdirSync(target, { withFileTypes: true })
    .sort((a, b) => (a.name < b.name ? -1 : 1))
    .flatMap((entry) => {
      const name = below === '' ? entry.name : `${below}/${entry.name}`;
      const file = path.join(target, entry.name);
      if (entry.isDirectory()) return sourceFiles(root, name);
      const stat = fs.statSync(file, { throwIfNoEntry: false });
      return stat?.isFile() ? [{ path: name, sizeBytes: stat.size, file: fs.realpathSync(file) }] : [];
    });
}

/** Those of `files` that are not below `dir` with the same bytes; only files of the same size are hashed. */
async function missingAt<T extends FoundFile & HashedPath>(side: Ask, dir: string, files: readonly T[]): Promise<T[]> {
  await side('makeFolder', { dir });
  const there = new Map((await side('list', { dir })).map((file) => [file.path, file.sizeBytes]));
  const alike = files.filter((file) => there.get(file.path) === file.sizeBytes);
  const hashes = await hashesAt(side, dir, alike);
  const same = new Set(alike.filter((file, i) => hashes[i] === file.sha256).map((file) => file.path));
  return files.filter((file) => !same.has(file.path));
}

function hashesAt(side: Ask, dir: string, files: readonly FoundFile[]) {
  return side('hash', { dir, paths: files.map((file) => file.path) }, hashDeadlineMs(files));
}

function hashDeadlineMs(files: readonly FoundFile[]): number {
  return 60_000 + bytesOf(files) / SLOWEST_HASH_BYTES_PER_MS;
}

async function place(side: Ask, job: Transfer, missing: readonly MoveFile[]): Promise<void> {
  const files = missing.map(({ path: below, sha256 }) => ({ path: below, sha256 }));
  const wrong = await side('place', { dir: job.to, files }, hashDeadlineMs(missing));
  if (wrong.length === 0) return;
  throw new GraftError(
    'TRANSFER_BROKEN',
    `${wrong.length === 1 ? JSON.stringify(wrong[0]) : `${wrong.length} files`} did not come to ${job.to} whole ` +
      `(between here and ${job.name}), or changed while being copied; nothing was put there; try again.`,
    { machine: job.name, from: job.from, to: job.to, files: wrong },
  );
}

/** Does the work and meanwhile tells how much of it has arrived, as the sizes there say. */
async function watched(
  side: Ask,
  job: Transfer,
  files: readonly FoundFile[],
  missing: readonly MoveFile[],
  work: () => Promise<void>,
): Promise<void> {
  stopIfAsked(job);
  let over = false;
  const look = async () => {
    const arrived = await side('arrived', { dir: job.to });
    if (!over) report(job, files, missing, arrived);
  };
  const watch = job.onProgress && setInterval(() => void look().catch(() => undefined), LOOK_MS);
  try {
    await work();
  } finally {
    over = true;
    clearInterval(watch);
  }
}

/** `missing`: the files that are on their way; `arrived`: how much of them has come, by hash. */
function report(
  { onProgress }: Transfer,
  files: readonly FoundFile[],
  missing: readonly MoveFile[],
  arrived: Record<string, number>,
): void {
  const away = missing.map(({ sha256, sizeBytes }) => Math.max(0, sizeBytes - (arrived[sha256] ?? 0)));
  const total = bytesOf(files);
  onProgress?.(total - away.reduce((sum, bytes) => sum + bytes, 0), total);
}

function bytesOf(files: readonly FoundFile[]): number {
  return files.reduce((sum, { sizeBytes }) => sum + sizeBytes, 0);
}

function stopIfAsked({ signal, from, to }: Transfer): void {
  if (signal?.aborted) throw stoppedError(from, to);
}

export function stoppedError(from: string, to: string): GraftError {
  const message = `Copying ${from} to ${to} was stopped; what has arrived is kept for the next time.`;
  return new GraftError('CANCELLED', message, { from, to });
}
