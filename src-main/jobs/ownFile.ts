/**
 * Files in a folder that others may write to as well: only a regular file of this user is read, and no link is
 * followed.
 */
import fs from 'node:fs';
import { GraftError } from '../../src-shared/errors.ts';

const MOST_BYTES = 64 << 20;

/** Null where there is no such file. Throws NOT_OURS for a link, a file of somebody else, or anything but a file. */
export function readOwnText(file: string, mostBytes = MOST_BYTES): string | null {
  const fd = openOwn(file);
  if (fd === null) return null;
  try {
    const { size } = fs.fstatSync(fd);
    if (size > mostBytes)
      throw new GraftError('FILE_TOO_LARGE', `${file} has ${size} bytes, more than such a file may have.`, { file });
    return fs.readFileSync(fd, 'utf8');
  } finally {
    fs.closeSync(fd);
  }
}

/** A descriptor to read from; the caller closes it. Null and errors as for readOwnText. */
export function openOwn(file: string): number | null {
  let fd: number;
  try {
    fd = fs.openSync(file, fs.constants.O_RDONLY | (fs.constants.O_NOFOLLOW ?? 0) | (fs.constants.O_NONBLOCK ?? 0));
  } catch (error) {
    const code = error instanceof Error && 'code' in error ? error.code : undefined;
    if (code === 'ENOENT') return null;
    if (code === 'ELOOP' || code === 'EMLINK') throw notOurs(file, 'is a link');
    throw error;
  }
  const stat = fs.fstatSync(fd);
  const user = process.getuid?.();
  const what = !stat.isFile()
    ? 'is no file'
    : user !== undefined && stat.uid !== user
      ? 'belongs to somebody else'
      : '';
  if (what === '') return fd;
  fs.closeSync(fd);
  throw notOurs(file, what);
}

export function notOurs(file: string, what: string): GraftError {
  return new GraftError(
    'NOT_OURS',
    `${file} ${what}, so it is not read; remove it, or choose a work folder that nobody else can write to.`,
    { file },
  );
}
