/**
 * A tokenised row as bytes (little-endian, as every machine that runs Graft is) and back. Labels are runs of positions
 * that are learnt, since a label is the token itself.
 */
import { crc32 } from 'node:zlib';
import { IGNORED, type TokenisedExample } from '../types.ts';

/** Bytes of a token's id. */
export type IdBytes = 2 | 4;

/** What stands in a record; line and group of a row stand beside it. */
export type RecordedRow = Omit<TokenisedExample, 'line' | 'group'>;

/** Checksum, full length, labelled positions, class, tokens, runs; 4 bytes each. */
const HEAD_BYTES = 24;
const CLASSLESS = -1;

export function idBytesFor(ids: number): IdBytes {
  return ids <= 0x10000 ? 2 : 4;
}

export function encodeRecord(row: RecordedRow, idBytes: IdBytes): Uint8Array {
  const { ids, labels } = row;
  const runs = runsOf(labels, ids);
  const idsEnd = HEAD_BYTES + padded(idBytes * ids.length);
  const bytes = new Uint8Array(idsEnd + 4 * runs.length);
  const head = new Int32Array(bytes.buffer, 0, HEAD_BYTES / 4);
  head[1] = row.fullLength;
  head[2] = row.labelled;
  head[3] = row.class ?? CLASSLESS;
  head[4] = row.truncated ? -1 - ids.length : ids.length;
  head[5] = runs.length;
  const Ids = idBytes === 2 ? Uint16Array : Int32Array;
  new Ids(bytes.buffer, HEAD_BYTES, ids.length).set(ids);
  new Int32Array(bytes.buffer, idsEnd, runs.length).set(runs);
  head[0] = crc32(bytes.subarray(4)) | 0;
  return bytes;
}

/** Undefined where the bytes are not what was written. */
export function decodeRecord(bytes: Uint8Array<ArrayBuffer>, idBytes: IdBytes): RecordedRow | undefined {
  if (bytes.length < HEAD_BYTES || bytes.length % 4 !== 0) return undefined;
  const head = new Int32Array(bytes.buffer, bytes.byteOffset, HEAD_BYTES / 4);
  if (head[0] !== (crc32(bytes.subarray(4)) | 0)) return undefined;
  const [, fullLength = 0, labelled = 0, label = CLASSLESS, told = 0, runCount = 0] = head;
  const tokens = told < 0 ? -1 - told : told;
  const Ids = idBytes === 2 ? Uint16Array : Int32Array;
  const ids = Int32Array.from(new Ids(bytes.buffer, bytes.byteOffset + HEAD_BYTES, tokens));
  const labels = new Int32Array(tokens).fill(IGNORED);
  const runs = new Int32Array(bytes.buffer, bytes.byteOffset + HEAD_BYTES + padded(idBytes * tokens), runCount);
  for (let i = 0; i < runCount; i += 2) labels.set(ids.subarray(runs[i], runs[i + 1]), runs[i]);
  const own = label === CLASSLESS ? {} : { class: label };
  return { ids, labels, labelled, fullLength, truncated: told < 0, ...own };
}

/** Gives the row in `record` another class. */
export function withClass(record: Uint8Array, classOf: (own: number) => number): void {
  const head = new DataView(record.buffer, record.byteOffset, HEAD_BYTES);
  head.setInt32(12, classOf(head.getInt32(12, true)), true);
  head.setInt32(0, crc32(record.subarray(4)) | 0, true);
}

/** Start and end of each run of learnt positions. Throws where a label is not its token. */
function runsOf(labels: Int32Array, ids: Int32Array): number[] {
  const runs: number[] = [];
  for (let t = 0; t < labels.length;) {
    if (labels[t] === IGNORED) {
      t++;
      continue;
    }
    const start = t;
    while (t < labels.length && labels[t] !== IGNORED) {
      if (labels[t] !== ids[t]) throw new Error(`the label at position ${t} is not the token there`);
      t++;
    }
    runs.push(start, t);
  }
  return runs;
}

function padded(bytes: number): number {
  return Math.ceil(bytes / 4) * 4;
}
