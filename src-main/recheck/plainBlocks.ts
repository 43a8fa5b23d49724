/** The blocks of ggml's number formats, one value at a time (ggml-common.h, ggml-quants.c). */

export interface Block {
  values: number;
  bytes: number;
  /** The type of safetensors that holds every value. */
  exact: 'F32' | 'F16' | 'BF16';
  /** The value `i` of the block that begins at byte `at`. */
  value(bytes: Buffer, at: number, i: number): number;
}

/** id: `enum ggml_type`. Throws an Error for one that is not known. */
export function blockOf(id: number): Block {
  const block = BLOCKS[id];
  if (!block) throw new Error(`the number format ${id} is not known`);
  return block;
}

/** Quant i of two in a byte: the first half of a group of 32 in the low bits, the second in the high ones. */
const nibble = (bytes: Buffer, at: number, i: number): number => (bytes[at + (i % 16)]! >> (i < 16 ? 0 : 4)) & 15;
const fifth = (bytes: Buffer, at: number, i: number): number => ((bytes[at + (i >> 3)]! >> (i & 7)) & 1) * 16;

const BLOCKS: Record<number, Block> = {
  0: { values: 1, bytes: 4, exact: 'F32', value: (b, at) => b.readFloatLE(at) },
  1: { values: 1, bytes: 2, exact: 'F16', value: half },
  30: {
    values: 1,
    bytes: 2,
    exact: 'BF16',
    value: (b, at) => Buffer.from([0, 0, b[at]!, b[at + 1]!]).readFloatLE(0),
  },
  2: { values: 32, bytes: 18, exact: 'F32', value: (b, at, i) => half(b, at) * (nibble(b, at + 2, i) - 8) },
  3: {
    values: 32,
    bytes: 20,
    exact: 'F32',
    value: (b, at, i) => half(b, at) * nibble(b, at + 4, i) + half(b, at + 2),
  },
  6: {
    values: 32,
    bytes: 22,
    exact: 'F32',
    value: (b, at, i) => half(b, at) * (nibble(b, at + 6, i) + fifth(b, at + 2, i) - 16),
  },
  7: {
    values: 32,
    bytes: 24,
    exact: 'F32',
    value: (b, at, i) => half(b, at) * (nibble(b, at + 8, i) + fifth(b, at + 4, i)) + half(b, at + 2),
  },
  8: { values: 32, bytes: 34, exact: 'F32', value: (b, at, i) => half(b, at) * b.readInt8(at + 2 + i) },
  12: { values: 256, bytes: 144, exact: 'F32', value: (b, at, i) => kValue(b, at, i, quant4(b, at + 16, i)) },
  13: {
    values: 256,
    bytes: 176,
    exact: 'F32',
    value: (b, at, i) => {
      const high = ((b[at + 16 + (i % 32)]! >> (i >> 5)) & 1) * 16;
      return kValue(b, at, i, quant4(b, at + 48, i) + high);
    },
  },
  14: { values: 256, bytes: 210, exact: 'F32', value: sixBits },
};

/** Groups of 64 values in 32 bytes. */
function quant4(bytes: Buffer, at: number, i: number): number {
  return (bytes[at + 32 * (i >> 6) + (i % 32)]! >> (i % 64 < 32 ? 0 : 4)) & 15;
}

/** d·scale·q - dmin·minimum, scale and minimum of six bits each for 32 values. */
function kValue(bytes: Buffer, at: number, i: number, q: number): number {
  const [part, s] = [i >> 5, at + 4];
  const [scale, minimum] =
    part < 4
      ? [bytes[s + part]! % 64, bytes[s + part + 4]! % 64]
      : [
          (bytes[s + part + 4]! % 16) + 16 * (bytes[s + part - 4]! >> 6),
          (bytes[s + part + 4]! >> 4) + 16 * (bytes[s + part]! >> 6),
        ];
  return half(bytes, at) * scale * q - half(bytes, at + 2) * minimum;
}

/** Halves of 128: 64 bytes of four bits, 32 of two more; a signed scale for 16 values. */
function sixBits(bytes: Buffer, at: number, i: number): number {
  const [group, within] = [i >> 7, i % 128];
  const low = (bytes[at + 64 * group + (within % 64)]! >> (within < 64 ? 0 : 4)) & 15;
  const high = (bytes[at + 128 + 32 * group + (within % 32)]! >> (2 * (within >> 5))) & 3;
  const scale = bytes.readInt8(at + 192 + (i >> 4));
  return half(bytes, at + 208) * scale * (low + 16 * high - 32);
}

/** IEEE binary16. */
function half(bytes: Buffer, at: number): number {
  const bits = bytes.readUInt16LE(at);
  const [exponent, fraction] = [(bits >> 10) & 31, bits & 1023];
  const sign = bits >> 15 ? -1 : 1;
  if (exponent === 31) return fraction ? NaN : sign * Infinity;
  return sign * (exponent ? (1 + fraction / 1024) * 2 ** (exponent - 15) : fraction * 2 ** -24);
}
