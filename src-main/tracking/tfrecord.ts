/** TFRecord framing: length (uint64), its masked CRC-32C, the bytes, their masked CRC-32C; all little-endian. */
import { crc32c } from './crc32c.ts';

const HEAD_BYTES = 12;
const MASK_DELTA = 0xa282ead8;

/** A record with its frame. */
export function tfrecord(data: Uint8Array): Buffer {
  const record = Buffer.alloc(HEAD_BYTES + data.length + 4);
  record.writeBigUInt64LE(BigInt(data.length), 0);
  record.writeUInt32LE(masked(crc32c(record.subarray(0, 8))), 8);
  record.set(data, HEAD_BYTES);
  record.writeUInt32LE(masked(crc32c(data)), HEAD_BYTES + data.length);
  return record;
}

/** TensorFlow masks a CRC so that data which holds CRCs has none that fits by accident. */
function masked(crc: number): number {
  return (((crc >>> 15) | (crc << 17)) + MASK_DELTA) >>> 0;
}
