/**
 * Unpacks an LZ4 frame, by its format's description (lz4.org): blocks may refer to what earlier ones unpacked to, as in
 * frames that Arrow's libraries write. Checksums are passed over; the length of the whole is not.
 */

const MAGIC = 0x184d2204;
/** Bits of the frame's flags: what stands beside its blocks. */
const [BLOCK_CHECKSUM, CONTENT_SIZE, DICTIONARY_ID] = [0x10, 0x08, 0x01];
const SHORTEST_MATCH = 4;

/** `length`: what the frame unpacks to. Throws RangeError where it does not. */
export function unpackLz4Frame(frame: Uint8Array, length: number): Uint8Array {
  const view = new DataView(frame.buffer, frame.byteOffset, frame.byteLength);
  if (view.getUint32(0, true) !== MAGIC) throw new RangeError('no LZ4 frame where one is promised');
  const flags = view.getUint8(4);
  const out = new Uint8Array(length);
  let to = 0;
  // Magic, flags, the size of blocks, and the checksum of this head.
  let from = 7 + (flags & CONTENT_SIZE ? 8 : 0) + (flags & DICTIONARY_ID ? 4 : 0);
  for (let word = view.getUint32(from, true); word !== 0; word = view.getUint32(from, true)) {
    const block = frame.subarray(from + 4, from + 4 + (word & 0x7fffffff));
    const isStored = word >>> 31 === 1;
    to = isStored ? put(block, out, to) : unpackBlock(block, out, to);
    from += 4 + (word & 0x7fffffff) + (flags & BLOCK_CHECKSUM ? 4 : 0);
  }
  if (to !== length) throw new RangeError(`an LZ4 frame of ${to} bytes where ${length} are promised`);
  return out;
}

/** Sequences of literals and a copy of what was unpacked before. Returns where the next block goes on in `out`. */
function unpackBlock(block: Uint8Array, out: Uint8Array, start: number): number {
  let [from, to] = [0, start];
  const next = (): number => {
    const byte = block[from++];
    if (byte === undefined) throw new RangeError('an LZ4 block ends too early');
    return byte;
  };
  /** A length of 15 goes on in the next bytes, up to one that is not 255. */
  const whole = (short: number): number => {
    if (short < 15) return short;
    let sum = short;
    for (let byte = 255; byte === 255; sum += byte) byte = next();
    return sum;
  };
  while (from < block.length) {
    const token = next();
    const literals = whole(token >> 4);
    to = put(block.subarray(from, from + literals), out, to);
    from += literals;
    if (from >= block.length) break; // The last sequence copies nothing.
    const distance = next() | (next() << 8);
    const end = to + whole(token & 15) + SHORTEST_MATCH;
    if (distance === 0 || distance > to || end > out.length)
      throw new RangeError('an LZ4 block copies what is not there');
    for (; to < end; to++) out[to] = out[to - distance]!; // Bytes that are copied may be copied again.
  }
  return to;
}

function put(bytes: Uint8Array, out: Uint8Array, at: number): number {
  if (at + bytes.length > out.length) throw new RangeError('an LZ4 frame is longer than promised');
  out.set(bytes, at);
  return at + bytes.length;
}
