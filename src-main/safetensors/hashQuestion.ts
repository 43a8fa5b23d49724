/** What the thread that hashes a file in the making is asked, and what answers it. */
import { createHash } from 'node:crypto';
import fs from 'node:fs';
import { readExactly, type OpenFile } from './read.ts';

/** Bytes [start, end) of a file. */
interface Range {
  start: number;
  end: number;
}

/** A copy of a file with other bytes in some ranges. */
export interface HashQuestion {
  /** Open for as long as the question is. */
  source: { path: string; fd: number };
  copy: string;
  sizeBytes: number;
  /** What the copy has of its own, in the order of the file. */
  changed: Range[];
  /** One number: up to where all of `changed` is in the copy; its owner wakes who waits for it. */
  written: BigInt64Array<SharedArrayBuffer>;
}

const PIECE_BYTES = 1 << 20;
const TELL_BYTES = 16 << 20;
/** Signs of life of a thread that waits. */
const WAIT_MS = 1000;

/**
 * Hex sha256 of the copy when it will be done. What is the source's is read there, so that hashing need not wait for
 * the copy. `tell`: bytes since the last call.
 */
export function hashOfCopy(question: HashQuestion, tell: (bytes: number) => void): string {
  const { source, copy, sizeBytes, written } = question;
  const hash = createHash('sha256');
  const buffer = new Uint8Array(Math.min(PIECE_BYTES, sizeBytes));
  const own: OpenFile = { path: copy, fd: undefined };
  let untold = 0;
  try {
    for (const { start, end, changed } of allRanges(question)) {
      for (let at = start; at < end;) {
        const ready = changed
          ? Math.min(
              end,
              waitFor(written, at, () => tell(0)),
            )
          : end;
        const piece = buffer.subarray(0, Math.min(buffer.length, ready - at));
        if (changed) own.fd ??= fs.openSync(copy, 'r');
        readExactly(changed ? own : source, piece, at);
        hash.update(piece);
        at += piece.length;
        untold += piece.length;
        if (untold < TELL_BYTES) continue;
        tell(untold);
        untold = 0;
      }
    }
  } finally {
    if (own.fd !== undefined) fs.closeSync(own.fd);
  }
  tell(untold);
  return hash.digest('hex');
}

function* allRanges({ changed, sizeBytes }: HashQuestion): Generator<Range & { changed: boolean }> {
  let at = 0;
  for (const range of changed) {
    yield { start: at, end: range.start, changed: false };
    yield { ...range, changed: true };
    at = range.end;
  }
  yield { start: at, end: sizeBytes, changed: false };
}

/** How far the copy is, once that is beyond `at`. */
function waitFor(written: BigInt64Array<SharedArrayBuffer>, at: number, alive: () => void): number {
  for (;;) {
    const now = Atomics.load(written, 0);
    if (now > BigInt(at)) return Number(now);
    if (Atomics.wait(written, 0, now, WAIT_MS) === 'timed-out') alive();
  }
}
