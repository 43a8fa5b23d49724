/**
 * Takes in files that were dropped on a page of the web host, where the browser does not tell their path. Whoever reads
 * them judges their content.
 */
import { randomBytes } from 'node:crypto';
import fs from 'node:fs';
import type http from 'node:http';
import path from 'node:path';
import { Transform } from 'node:stream';
import { pipeline } from 'node:stream/promises';
import { GraftError, toErrorData, usageError } from '../../../src-shared/errors.ts';
import { temporaryNameFor } from '../../files/writeWhole.ts';

const MAX_UPLOAD_BYTES = 2 * 1024 ** 3;

interface UploadParams {
  name: string | null;
  /** Of an earlier file's folder, beside which this one belongs; null: a new folder. */
  folder?: string | null;
}

/** Answers `{ path }`, or `{ message }` with one sentence; a file that does not arrive whole is removed. */
export async function receiveUpload(
  req: http.IncomingMessage,
  res: http.ServerResponse,
  params: UploadParams,
  uploadsDir: string,
  maxBytes: number = MAX_UPLOAD_BYTES,
): Promise<void> {
  const folder = params.folder ?? null;
  const dir = path.join(uploadsDir, folder ?? randomBytes(5).toString('hex'));
  let unfinished = dir;
  try {
    const name = fileName(params.name);
    if (folder !== null) unfinished = temporaryNameFor(path.join(openFolder(uploadsDir, folder), name));
    if (Number(req.headers['content-length'] ?? 0) > maxBytes) throw tooLarge(maxBytes);
    fs.mkdirSync(dir, { recursive: true });
    const target = path.join(dir, name);
    const temporary = folder === null ? temporaryNameFor(target) : unfinished;
    await pipeline(req, counted(maxBytes), fs.createWriteStream(temporary, { flags: 'wx', flush: true }));
    fs.renameSync(temporary, target);
    answer(res, 200, { path: target });
  } catch (error) {
    if (folder === null || unfinished !== dir) fs.rmSync(unfinished, { recursive: true, force: true });
    if (res.destroyed) return;
    const { code, message } = toErrorData(error);
    // The rest of the content is not waited for.
    res.setHeader('connection', 'close');
    answer(res, code === 'UPLOAD_TOO_LARGE' ? 413 : 400, { message });
  }
}

/** Throws a usage error UPLOAD_NAME for what is no folder that was made here. */
function openFolder(uploadsDir: string, folder: string): string {
  const dir = path.join(uploadsDir, folder);
  if (/^[0-9a-f]{10}$/.test(folder) && fs.existsSync(dir)) return dir;
  throw usageError('UPLOAD_NAME', 'The folder of the dropped files is gone; drop them again.');
}

/** Passes bytes on up to `maxBytes`. */
function counted(maxBytes: number): Transform {
  let seen = 0;
  return new Transform({
    transform(chunk: Buffer, _encoding, done) {
      seen += chunk.length;
      if (seen > maxBytes) done(tooLarge(maxBytes));
      else done(null, chunk);
    },
  });
}

function tooLarge(maxBytes: number): GraftError {
  const limit = maxBytes >= 1024 ** 3 ? `${maxBytes / 1024 ** 3} GiB` : `${maxBytes} bytes`;
  return new GraftError(
    'UPLOAD_TOO_LARGE',
    `Files of more than ${limit} cannot be dropped on the page; type the path of the file instead, Graft then ` +
      'reads it where it is.',
    { maxBytes },
  );
}

/** The last part of a name, without what no file system takes. Throws a usage error UPLOAD_NAME. */
function fileName(name: string | null): string {
  const last = (name ?? '')
    .split(/[\\/]/)
    .at(-1)!
    .replace(/[\p{Cc}<>:"|?*]/gu, '_')
    .replace(/^\.+/, '')
    .slice(-150)
    .trim();
  if (last === '') throw usageError('UPLOAD_NAME', 'The dropped file has no name; rename it and drop it again.');
  return last;
}

function answer(res: http.ServerResponse, status: number, content: object): void {
  res.writeHead(status, { 'content-type': 'application/json; charset=utf-8', 'cache-control': 'no-store' });
  res.end(JSON.stringify(content));
}
