/** Hash of a file of any size. */
import { createHash } from 'node:crypto';
import fs from 'node:fs';

const PIECE_BYTES = 4 << 20;

/** Hex sha256 of the whole file, read in pieces. */
export function fileSha256(file: string): string {
  const hash = createHash('sha256');
  const piece = new Uint8Array(PIECE_BYTES);
  const fd = fs.openSync(file, 'r');
  try {
    for (let got = fs.readSync(fd, piece); got > 0; got = fs.readSync(fd, piece)) hash.update(piece.subarray(0, got));
  } finally {
    fs.closeSync(fd);
  }
  return hash.digest('hex');
}
