/**
 * ggml's blocks of numbers, read in float64 from their definitions (ggml-common.h, ggml-quants.c), each value with the
 * most that rounding a right weight to it can have changed: the block says how coarse it is.
 */
import { half, brain } from '../plainTensors.ts';

export interface Block {
  values: Float64Array;
  /** Largest |value - weight| for a weight that was rounded as ggml rounds. */
  slack: Float64Array;
}

interface BlockFormat {
  name: string;
  /** Values, and bytes, of one block. */
  values: number;
  bytes: number;
  read: (bytes: Buffer, into: Block) => void;
}

/** Half a step, the rounding of the scale to a half-precision float, and a margin. */
const NEAREST = 0.6;
/** The end of the range that has one step less is cut. */
const CUT = 1.05;
/** The K-quants choose scales that lose a little at both ends, and round the scales of 16 or 32 values as well. */
const SEARCHED = 2;

export const BLOCKS: ReadonlyMap<number, BlockFormat> = new Map([
  [0, { name: 'F32', values: 1, bytes: 4, read: single }],
  [1, { name: 'F16', values: 1, bytes: 2, read: halfPrecision }],
  [30, { name: 'BF16', values: 1, bytes: 2, read: brainFloat }],
  [2, { name: 'Q4_0', values: 32, bytes: 18, read: q4_0 }],
  [3, { name: 'Q4_1', values: 32, bytes: 20, read: q4_1 }],
  [6, { name: 'Q5_0', values: 32, bytes: 22, read: q5_0 }],
  [7, { name: 'Q5_1', values: 32, bytes: 24, read: q5_1 }],
  [8, { name: 'Q8_0', values: 32, bytes: 34, read: q8_0 }],
  [12, { name: 'Q4_K', values: 256, bytes: 144, read: q4_K }],
  [13, { name: 'Q5_K', values: 256, bytes: 176, read: q5_K }],
  [14, { name: 'Q6_K', values: 256, bytes: 210, read: q6_K }],
]);

function single(bytes: Buffer, { values, slack }: Block): void {
  values[0] = bytes.readFloatLE(0);
  slack[0] = 2 ** -23 * Math.abs(values[0]!);
}

function halfPrecision(bytes: Buffer, { values, slack }: Block): void {
  values[0] = half(bytes.readUInt16LE(0));
  slack[0] = 2 ** -10 * NEAREST * Math.abs(values[0]!) + 2 ** -24 * NEAREST;
}

function brainFloat(bytes: Buffer, { values, slack }: Block): void {
  values[0] = brain(bytes.readUInt16LE(0));
  slack[0] = 2 ** -7 * NEAREST * Math.abs(values[0]!);
}

function q4_0(bytes: Buffer, { values, slack }: Block): void {
  const d = half(bytes.readUInt16LE(0));
  for (let i = 0; i < 16; i++) {
    const byte = bytes[2 + i]!;
    values[i] = d * ((byte & 15) - 8);
    values[i + 16] = d * ((byte >> 4) - 8);
  }
  slack.fill(CUT * Math.abs(d) + 2 ** -21);
}

function q4_1(bytes: Buffer, { values, slack }: Block): void {
  const [d, m] = [half(bytes.readUInt16LE(0)), half(bytes.readUInt16LE(2))];
  for (let i = 0; i < 16; i++) {
    const byte = bytes[4 + i]!;
    values[i] = d * (byte & 15) + m;
    values[i + 16] = d * (byte >> 4) + m;
  }
  slack.fill(NEAREST * Math.abs(d) + 2 ** -11 * Math.abs(m) + 2 ** -20);
}

function q5_0(bytes: Buffer, { values, slack }: Block): void {
  const d = half(bytes.readUInt16LE(0));
  const high = bytes.readUInt32LE(2);
  for (let i = 0; i < 16; i++) {
    const byte = bytes[6 + i]!;
    values[i] = d * (((byte & 15) | (((high >>> i) & 1) << 4)) - 16);
    values[i + 16] = d * (((byte >> 4) | (((high >>> (i + 16)) & 1) << 4)) - 16);
  }
  slack.fill(CUT * Math.abs(d) + 2 ** -20);
}

function q5_1(bytes: Buffer, { values, slack }: Block): void {
  const [d, m] = [half(bytes.readUInt16LE(0)), half(bytes.readUInt16LE(2))];
  const high = bytes.readUInt32LE(4);
  for (let i = 0; i < 16; i++) {
    const byte = bytes[8 + i]!;
    values[i] = d * ((byte & 15) | (((high >>> i) & 1) << 4)) + m;
    values[i + 16] = d * ((byte >> 4) | (((high >>> (i + 16)) & 1) << 4)) + m;
  }
  slack.fill(NEAREST * Math.abs(d) + 2 ** -11 * Math.abs(m) + 2 ** -20);
}

function q8_0(bytes: Buffer, { values, slack }: Block): void {
  const d = half(bytes.readUInt16LE(0));
  for (let i = 0; i < 32; i++) values[i] = d * bytes.readInt8(2 + i);
  slack.fill(NEAREST * Math.abs(d) + 2 ** -17);
}

/** Scale and minimum of each 32 values, six bits each in twelve bytes. */
function sixBits(packed: Buffer): { scales: number[]; mins: number[] } {
  const at = (i: number): number => packed[i]!;
  const eight = Array.from({ length: 8 }, (_, i) => i);
  return {
    scales: eight.map((i) => (i < 4 ? at(i) & 63 : (at(i + 4) & 15) | ((at(i - 4) >> 6) << 4))),
    mins: eight.map((i) => (i < 4 ? at(i + 4) & 63 : (at(i + 4) >> 4) | ((at(i) >> 6) << 4))),
  };
}

function q4_K(bytes: Buffer, into: Block): void {
  const quants = bytes.subarray(16);
  scaledByParts(bytes, into, 15, (part, i) => {
    const byte = quants[32 * (part >> 1) + i]!;
    return part % 2 === 0 ? byte & 15 : byte >> 4;
  });
}

function q5_K(bytes: Buffer, into: Block): void {
  const [high, quants] = [bytes.subarray(16, 48), bytes.subarray(48)];
  scaledByParts(bytes, into, 31, (part, i) => {
    const byte = quants[32 * (part >> 1) + i]!;
    return (part % 2 === 0 ? byte & 15 : byte >> 4) | (((high[i]! >> part) & 1) << 4);
  });
}

/** y = d·scale·q - dmin·min, for eight parts of 32 values. most: the largest q. */
function scaledByParts(
  bytes: Buffer,
  { values, slack }: Block,
  most: number,
  quant: (part: number, i: number) => number,
): void {
  const [d, dmin] = [half(bytes.readUInt16LE(0)), half(bytes.readUInt16LE(2))];
  const { scales, mins } = sixBits(bytes.subarray(4, 16));
  for (let part = 0; part < 8; part++) {
    const [scale, min] = [d * scales[part]!, dmin * mins[part]!];
    const allowed = SEARCHED * Math.abs(scale) + 0.55 * (most * Math.abs(d) + Math.abs(dmin)) + 2 ** -18;
    for (let i = 0; i < 32; i++) {
      values[32 * part + i] = scale * quant(part, i) - min;
      slack[32 * part + i] = allowed;
    }
  }
}

function q6_K(bytes: Buffer, { values, slack }: Block): void {
  const d = half(bytes.readUInt16LE(208));
  for (let i = 0; i < 256; i++) {
    const [side, within] = [i >> 7, i & 127];
    const low = bytes[64 * side + (within & 63)]!;
    const high = bytes[128 + 32 * side + (within & 31)]!;
    const quant = (within < 64 ? low & 15 : low >> 4) | (((high >> (2 * (within >> 5))) & 3) << 4);
    const scale = d * bytes.readInt8(192 + (i >> 4));
    values[i] = scale * (quant - 32);
    slack[i] = SEARCHED * Math.abs(scale) + 0.55 * 32 * Math.abs(d) + 2 ** -18;
  }
}
