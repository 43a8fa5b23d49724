/**
 * Arrow messages whose buffers are compressed (Feather's default), made into messages that flechette reads: each buffer
 * is unpacked, and the metadata says where it lies now. By Arrow's columnar format, "Serialization and Interprocess
 * Communication", and its Message.fbs; numbers are little-endian.
 */
import zlib from 'node:zlib';
import { Flatbuffer } from './flatbuffer.ts';
import { unpackLz4Frame } from './lz4Frame.ts';

const FILE_MARK = 'ARROW1';
/** Of a file: its mark with padding in front; the length of its footer and the mark at its end. */
const [FILE_HEAD_BYTES, FILE_END_BYTES] = [8, 4 + FILE_MARK.length];
/** Fields of the tables, by their place in Message.fbs. */
const MESSAGE = { headerType: 1, header: 2, bodyLength: 3 };
const [DICTIONARY_BATCH, RECORD_BATCH] = [2, 3];
const DICTIONARY = { data: 1 };
const BATCH = { buffers: 2, compression: 3 };
const COMPRESSION = { codec: 0 };
const [LZ4_FRAME, ZSTD] = [0, 1];
const BUFFER_BYTES = 16;

/** The messages of a file or stream, uncompressed. `mostBytes`: what all may unpack to. Throws RangeError. */
export function unpackArrow(bytes: Uint8Array, mostBytes: number): Uint8Array[] {
  const { view } = new Flatbuffer(bytes);
  const isFile = Buffer.from(bytes.subarray(0, FILE_MARK.length)).toString('latin1') === FILE_MARK;
  let at = isFile ? FILE_HEAD_BYTES : 0;
  const footer = bytes.length - FILE_END_BYTES;
  const end = isFile ? footer - view.getInt32(footer, true) : bytes.length;
  const messages: Uint8Array[] = [];
  let room = mostBytes;
  const take = (length: number): Uint8Array => {
    if (length < 0 || at + length > end) throw new RangeError('a message ends too early');
    return bytes.subarray(at, (at += length));
  };
  while (at + 4 <= end) {
    const start = at;
    if (view.getInt32(at, true) === -1) at += 4; // The mark of a message, since Arrow 0.15.
    const length = view.getInt32(at, true);
    if (length === 0) break;
    at += 4;
    const metadata = new Flatbuffer(take(length).slice());
    const body = take(metadata.number(metadata.root, MESSAGE.bodyLength));
    const batch = batchOf(metadata);
    if (batch === undefined || metadata.field(batch, BATCH.compression) === undefined) {
      messages.push(bytes.subarray(start, at));
      continue;
    }
    const buffers = unpackBuffers(metadata, batch, body, room);
    room -= buffers.reduce((sum, { length }) => sum + length, 0);
    messages.push(rewritten(metadata, batch, buffers));
  }
  return messages;
}

/** Where the metadata's table of a batch lies; undefined for another message. */
function batchOf(metadata: Flatbuffer): number | undefined {
  const type = metadata.field(metadata.root, MESSAGE.headerType);
  const header = metadata.table(metadata.root, MESSAGE.header);
  switch (type === undefined ? 0 : metadata.view.getUint8(type)) {
    case RECORD_BATCH:
      return header;
    case DICTIONARY_BATCH:
      return header === undefined ? undefined : metadata.table(header, DICTIONARY.data);
    default:
      return undefined;
  }
}

function unpackBuffers(metadata: Flatbuffer, batch: number, body: Uint8Array, mostBytes: number): Uint8Array[] {
  const compression = metadata.table(batch, BATCH.compression);
  const at = compression === undefined ? undefined : metadata.field(compression, COMPRESSION.codec);
  const codec = at === undefined ? LZ4_FRAME : metadata.view.getUint8(at);
  let room = mostBytes;
  return metadata.places(batch, BATCH.buffers, BUFFER_BYTES).map((place) => {
    const [offset, length] = [metadata.int64(place), metadata.int64(place + 8)];
    const buffer = unpackBuffer(body.subarray(offset, offset + length), codec, room);
    room -= buffer.length;
    return buffer;
  });
}

/** A buffer begins with the length that it unpacks to; -1 says that it is stored as it is. */
function unpackBuffer(packed: Uint8Array, codec: number, mostBytes: number): Uint8Array {
  if (packed.length === 0) return packed;
  const length = new Flatbuffer(packed).int64(0);
  const content = packed.subarray(8);
  if (length === -1) return content;
  if (length > mostBytes) throw new UnpacksTooLarge();
  if (length === 0) return packed.subarray(0, 0);
  if (codec === LZ4_FRAME) return unpackLz4Frame(content, length);
  if (codec !== ZSTD) throw new RangeError(`an unknown compression (${codec})`);
  const unpacked = zlib.zstdDecompressSync(content, { maxOutputLength: length });
  if (unpacked.length !== length) throw new RangeError(`${unpacked.length} bytes where ${length} are promised`);
  return unpacked;
}

/** What the buffers unpack to is more than may be held. */
export class UnpacksTooLarge extends RangeError {}

/** The message with other buffers, each at a multiple of 8, and without a word of compression. */
function rewritten(metadata: Flatbuffer, batch: number, buffers: readonly Uint8Array[]): Uint8Array {
  const aligned = (length: number): number => Math.ceil(length / 8) * 8;
  const bodyStart = 8 + aligned(metadata.bytes.length);
  let bodyLength = 0;
  const places = metadata.places(batch, BATCH.buffers, BUFFER_BYTES);
  const offsets = buffers.map((buffer, i) => {
    const offset = bodyLength;
    metadata.view.setBigInt64(places[i]!, BigInt(offset), true);
    metadata.view.setBigInt64(places[i]! + 8, BigInt(buffer.length), true);
    bodyLength += aligned(buffer.length);
    return offset;
  });
  const lengthAt = metadata.field(metadata.root, MESSAGE.bodyLength);
  if (lengthAt !== undefined) metadata.view.setBigInt64(lengthAt, BigInt(bodyLength), true);
  metadata.forget(batch, BATCH.compression);
  const message = new Uint8Array(bodyStart + bodyLength);
  const { view } = new Flatbuffer(message);
  view.setInt32(0, -1, true);
  view.setInt32(4, bodyStart - 8, true);
  message.set(metadata.bytes, 8);
  buffers.forEach((buffer, i) => message.set(buffer, bodyStart + offsets[i]!));
  return message;
}
