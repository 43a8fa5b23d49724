/**
 * One file into the cache: the part that is there is gone on with, the hash is checked before the file gets its name,
 * and a file with a wrong one is removed.
 */
import { createHash, type Hash } from 'node:crypto';
import fs from 'node:fs';
import fsp from 'node:fs/promises';
import { GraftError } from '../../src-shared/errors.ts';
import { makeFolders } from '../files/makeFolders.ts';
import { syncFolder } from '../files/writeWhole.ts';
import { systemErrorAbout } from '../files/systemError.ts';
import path from 'node:path';
import { sizeOf, type CachedRepository } from './cache.ts';
import { ask, assertOk, Cut, patiently, pieces, throwIfCancelled, type Connection } from './connection.ts';
import type { HubFile } from './repository.ts';

export interface Download {
  hub: Connection;
  cached: CachedRepository;
  commit: string;
  file: HubFile;
  /** Bytes of this file that are here. */
  onProgress(doneBytes: number): void;
}

const READ_BYTES = 1 << 20;
/** What a try must bring for the tries to count anew: a server that cuts after each byte is not waited for. */
const PROGRESS_BYTES = 1 << 20;

/** Throws HUB_*, DISK_FULL and other errors of the file system, or CANCELLED; the part is then kept. */
export async function downloadBlob({ hub, cached, commit, file, onProgress }: Download): Promise<void> {
  const part = cached.part(file.hash.hex);
  makeFolders(path.dirname(part));
  const { what, ...asked } = hub.asked;
  const about = { ...hub, asked: { ...asked, what: `${file.name} of ${what}` } };
  let before = -1;
  try {
    await patiently(
      about,
      async () => {
        before = Math.max(0, sizeOf(part));
        await fetchRest(about, addressOf(about, commit, file.name), { part, file, onProgress });
      },
      () => sizeOf(part) - before >= PROGRESS_BYTES,
    );
    fs.renameSync(part, cached.blob(file.hash.hex));
    syncFolder(path.dirname(part));
  } catch (error) {
    throw systemErrorAbout(error, part, file.sizeBytes);
  }
}

function addressOf({ endpoint, asked }: Connection, commit: string, name: string): string {
  const where = [asked.repository, 'resolve', commit, name].flatMap((text) => text.split('/'));
  return `${endpoint}/${where.map(encodeURIComponent).join('/')}`;
}

interface Target {
  part: string;
  file: HubFile;
  onProgress(doneBytes: number): void;
}

/** Leaves a part that is whole and right. Throws Cut where more is to come. */
async function fetchRest(hub: Connection, url: string, { part, file, onProgress }: Target): Promise<void> {
  const hash = hashFor(file);
  let done = await hashPart(part, file, hash, hub);
  if (done === file.sizeBytes && done > 0) return assertHash(hash.digest('hex'), part, file, hub);
  const headers = { 'accept-encoding': 'identity', ...(done > 0 ? { range: `bytes=${done}-` } : {}) };
  const answer = await askFile(hub, url, headers);
  if (done > 0 && answer.status === 416) {
    await answer.body?.cancel();
    fs.rmSync(part, { force: true });
    throw new Cut('it has no more of this file');
  }
  assertOk(hub, answer);
  const from = done > 0 ? rangeStart(answer) : 0;
  if (from !== done) {
    // A server that begins anew, or elsewhere: what it sends is not the rest of the part.
    await answer.body?.cancel();
    fs.rmSync(part, { force: true });
    throw new Cut('it does not go on where the part ends');
  }
  const handle = await fsp.open(part, 'a');
  try {
    for await (const piece of pieces(hub, answer)) {
      if (done + piece.length > file.sizeBytes) throw tooLong(part, file, hub);
      await handle.appendFile(piece);
      hash.update(piece);
      done += piece.length;
      onProgress(done);
      // Whatever length was announced: the hash decides.
      if (done === file.sizeBytes) break;
    }
    await handle.sync();
  } finally {
    await handle.close();
  }
  if (done < file.sizeBytes) throw new Cut('the connection was cut');
  assertHash(hash.digest('hex'), part, file, hub);
}

/** A store of large files may refuse an address that has grown old; the hub then gives another. */
async function askFile(hub: Connection, url: string, headers: Record<string, string>): Promise<Response> {
  const answer = await ask(hub, url, { headers }, { elsewhere: true });
  const isElsewhere = new URL(answer.url || url).origin !== new URL(hub.endpoint).origin;
  if (isElsewhere && (answer.status === 401 || answer.status === 403)) {
    await answer.body?.cancel();
    throw new Cut(`${new URL(answer.url).host} answered ${answer.status}`);
  }
  return answer;
}

/** Where an answer begins in the file: 0 unless it says so. */
function rangeStart(answer: Response): number {
  if (answer.status !== 206) return 0;
  const [, start] = /^bytes (\d+)-/.exec(answer.headers.get('content-range') ?? '') ?? [];
  return start === undefined ? -1 : Number(start);
}

function hashFor({ hash, sizeBytes }: HubFile): Hash {
  return hash.algorithm === 'sha256' ? createHash('sha256') : createHash('sha1').update(`blob ${sizeBytes}\0`);
}

/** Its bytes, read into the hash. A part longer than the file is removed. */
async function hashPart(part: string, file: HubFile, hash: Hash, hub: Connection): Promise<number> {
  const size = sizeOf(part);
  if (size > file.sizeBytes) fs.rmSync(part, { force: true });
  if (size <= 0 || size > file.sizeBytes) return 0;
  let done = 0;
  for await (const piece of fs.createReadStream(part, { highWaterMark: READ_BYTES })) {
    throwIfCancelled(hub);
    hash.update(piece as Buffer);
    done += (piece as Buffer).length;
  }
  return done;
}

function assertHash(hex: string, part: string, file: HubFile, hub: Connection): void {
  if (hex === file.hash.hex) return;
  fs.rmSync(part, { force: true });
  throw new GraftError(
    'HUB_CHECKSUM',
    `${hub.asked.what} came with another content than the hub lists (${file.hash.algorithm} ${hex.slice(0, 12)}…, ` +
      `not ${file.hash.hex.slice(0, 12)}…), so it was removed; start it again, and check your network where it ` +
      'happens twice.',
    { file: file.name, got: hex, want: file.hash.hex },
  );
}

function tooLong(part: string, file: HubFile, hub: Connection): GraftError {
  fs.rmSync(part, { force: true });
  return new GraftError(
    'HUB_CHECKSUM',
    `${hub.asked.what} is longer than the ${file.sizeBytes} bytes that the hub lists, so it was removed; ` +
      'start it again.',
    { file: file.name, want: file.sizeBytes },
  );
}
