/** What encoding a text file has: UTF-8 where it is valid, else by its marks, else as chardet guesses. */
import { isUtf8 } from 'node:buffer';
import { analyse } from 'chardet';
import { GraftError } from '../../../src-shared/errors.ts';
import type { ByteSource } from './bytes.ts';
import { countNewlines } from './source.ts';

const SAMPLE_BYTES = 1 << 16;

/**
 * A name that TextDecoder knows. Reads the whole file, or with `headOnly` nothing where its beginning is UTF-8. Throws
 * GraftError DATASET_ENCODING.
 */
export async function encodingOf(source: ByteSource, headOnly = false): Promise<string> {
  const { head, file } = source;
  if (head[0] === 0xff && head[1] === 0xfe) return 'utf-16le';
  if (head[0] === 0xfe && head[1] === 0xff) return 'utf-16be';
  const wide = wideEncoding(head);
  if (wide) return wide;
  if (headOnly && isUtf8(head.subarray(0, head.length - unfinished(head)))) return 'utf-8';
  let carry: Uint8Array = new Uint8Array(0);
  let line = 1;
  for await (const chunk of source.chunks()) {
    const bytes = carry.length > 0 ? Buffer.concat([carry, chunk]) : chunk;
    const whole = bytes.subarray(0, bytes.length - unfinished(bytes));
    if (!isUtf8(whole)) return otherEncoding(file, bytes, line);
    line += countNewlines(Buffer.from(whole).toString('latin1'));
    carry = bytes.subarray(whole.length);
  }
  if (carry.length > 0) throw broken(file, line);
  return 'utf-8';
}

/** UTF-16 without a mark: every other byte of Western text is zero. */
function wideEncoding(head: Uint8Array): string | undefined {
  const zeros = [0, 0];
  const sample = head.subarray(0, 4096);
  sample.forEach((byte, i) => byte === 0 && zeros[i % 2]!++);
  const most = sample.length / 2;
  if (most < 2) return undefined;
  if (zeros[1]! > 0.6 * most && zeros[0]! < 0.1 * most) return 'utf-16le';
  return zeros[0]! > 0.6 * most && zeros[1]! < 0.1 * most ? 'utf-16be' : undefined;
}

/** Bytes at the end that begin a character of UTF-8 and do not finish it. */
function unfinished(bytes: Uint8Array): number {
  for (let back = 1; back <= Math.min(3, bytes.length); back++) {
    const byte = bytes[bytes.length - back]!;
    if (byte >= 0xc0)
      return byte >= 0xf0 ? (back < 4 ? back : 0) : byte >= 0xe0 ? (back < 3 ? back : 0) : back < 2 ? back : 0;
    if (byte < 0x80) return 0;
  }
  return 0;
}

/** `bytes` are not all UTF-8. Where most beyond ASCII is, a few bytes are damaged, and no other encoding is meant. */
function otherEncoding(file: string, bytes: Uint8Array, line: number): string {
  let start = 0;
  for (let low = 0, high = bytes.length; low < high;) {
    const middle = (low + high + 1) >> 1;
    const part = bytes.subarray(0, middle);
    if (isUtf8(part.subarray(0, middle - unfinished(part)))) low = start = middle;
    else high = middle - 1;
  }
  const sample = bytes.subarray(Math.max(0, start - SAMPLE_BYTES / 2), start + SAMPLE_BYTES);
  const text = Buffer.from(sample).toString('latin1');
  const characters = text.match(/[\xc2-\xf4][\x80-\xbf]+/g) ?? [];
  const beyond = (text.match(/[\x80-\xff]/g) ?? []).length;
  const damaged = beyond - characters.join('').length;
  if (characters.length > damaged)
    throw broken(file, line + countNewlines(Buffer.from(bytes.subarray(0, start)).toString('latin1')));
  for (const { name } of analyse(sample)) {
    const known = decoderName(name);
    if (known && known !== 'utf-8') return known;
  }
  return 'windows-1252';
}

/** Undefined where TextDecoder has no decoder of this name, or one that takes every other byte for a letter. */
function decoderName(name: string): string | undefined {
  try {
    const { encoding } = new TextDecoder(name);
    return encoding.startsWith('utf-16') ? undefined : encoding;
  } catch {
    return undefined;
  }
}

function broken(file: string, line: number): GraftError {
  return new GraftError(
    'DATASET_ENCODING',
    `The dataset ${file} is not valid UTF-8 text (at or after line ${line}); save it as UTF-8 and try again.`,
    { file },
  );
}
