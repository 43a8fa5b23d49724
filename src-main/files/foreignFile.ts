/**
 * Small files that other people made. Only regular files are opened, since a FIFO or a device may never answer, and
 * only up to a size; nothing here waits for anything but the disk.
 */
import fs from 'node:fs';
import { GraftError } from '../../src-shared/errors.ts';

/** For configurations and the like: a thousand times what such a file takes. */
const SMALL_FILE_BYTES = 16 << 20;

/**
 * Opens a regular file for reading; the caller closes `fd`. Throws GraftError NOT_A_FILE, or the file system's error.
 */
export function openRegularFile(file: string): { fd: number; stat: fs.Stats } {
  // Looked at before it is opened, since opening a device may already do something, and again once it is open.
  assertRegular(file, fs.statSync(file));
  const fd = fs.openSync(file, fs.constants.O_RDONLY | (fs.constants.O_NONBLOCK ?? 0));
  try {
    const stat = fs.fstatSync(fd);
    assertRegular(file, stat);
    return { fd, stat };
  } catch (error) {
    fs.closeSync(fd);
    throw error;
  }
}

function assertRegular(file: string, stat: fs.Stats): void {
  if (stat.isFile()) return;
  const what = stat.isDirectory()
    ? 'a folder'
    : stat.isFIFO()
      ? 'a FIFO'
      : stat.isSocket()
        ? 'a socket'
        : stat.isCharacterDevice() || stat.isBlockDevice()
          ? 'a device'
          : 'something else';
  throw new GraftError('NOT_A_FILE', `${file} is ${what}, not a file; put the file itself there.`, { file, what });
}

/** The bytes of a regular file. Throws GraftError NOT_A_FILE or FILE_TOO_LARGE, or the file system's error. */
export function readForeignBytes(file: string, maxBytes = SMALL_FILE_BYTES): Uint8Array {
  const { fd, stat } = openRegularFile(file);
  try {
    if (stat.size > maxBytes)
      throw new GraftError(
        'FILE_TOO_LARGE',
        `${file} has ${stat.size} bytes, more than the ${maxBytes} that such a file may have; download it again.`,
        { file, sizeBytes: stat.size, maxBytes },
      );
    const bytes = new Uint8Array(stat.size);
    let done = 0;
    while (done < bytes.length) {
      const got = fs.readSync(fd, bytes, done, bytes.length - done, done);
      if (got === 0) break;
      done += got;
    }
    return bytes.subarray(0, done);
  } finally {
    fs.closeSync(fd);
  }
}

/** The same as text, which is UTF-8. */
export function readForeignText(file: string, maxBytes = SMALL_FILE_BYTES): string {
  return new TextDecoder().decode(readForeignBytes(file, maxBytes));
}
