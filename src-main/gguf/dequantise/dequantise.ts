/**
 * Blocks of GGUF tensors as float32, bit for bit as ggml's own `dequantize_row_*`. Within a block every product of
 * scale and quant is exact in float64, so that storing it rounds once, where ggml's float32 rounds.
 */
import { widenInto } from '../../safetensors/dtype.ts';
import { GGML_TYPES, type GgmlTypeName } from '../ggmlTypes.ts';
import { float16At } from './float16.ts';
import { q4k, q5k, q6k } from './superBlocks.ts';

/** Reads the block at byte `at` into `out` from `to` on. */
type ReadBlock = (bytes: Uint8Array, at: number, out: Float32Array, to: number) => void;

const BLOCKS: Record<Exclude<GgmlTypeName, 'F32' | 'F16' | 'BF16'>, ReadBlock> = {
  Q4_0: q4_0,
  Q4_1: q4_1,
  Q5_0: q5_0,
  Q5_1: q5_1,
  Q8_0: q8_0,
  Q4_K: q4k,
  Q5_K: q5k,
  Q6_K: q6k,
};

/** Fills `out` from `bytes`, which hold as many values in whole blocks of `type`. */
export function dequantise(type: GgmlTypeName, bytes: Uint8Array, out: Float32Array): void {
  if (type === 'F32') new Uint8Array(out.buffer, out.byteOffset, out.byteLength).set(bytes);
  else if (type === 'F16' || type === 'BF16') {
    const aligned = bytes.byteOffset % 2 === 0 ? bytes : bytes.slice();
    widenInto(out, new Uint16Array(aligned.buffer, aligned.byteOffset, out.length), type);
  } else {
    const { blockSize, blockBytes } = GGML_TYPES[type];
    const read = BLOCKS[type];
    for (let at = 0, to = 0; to < out.length; at += blockBytes, to += blockSize) read(bytes, at, out, to);
  }
}

/** d, then 16 bytes of two quants each: (q - 8)·d. The low halves come first. */
function q4_0(bytes: Uint8Array, at: number, out: Float32Array, to: number): void {
  const d = float16At(bytes, at);
  for (let j = 0; j < 16; j++) {
    const both = bytes[at + 2 + j]!;
    out[to + j] = ((both & 15) - 8) * d;
    out[to + j + 16] = ((both >> 4) - 8) * d;
  }
}

/** d, m, quants: q·d + m. */
function q4_1(bytes: Uint8Array, at: number, out: Float32Array, to: number): void {
  const [d, m] = [float16At(bytes, at), float16At(bytes, at + 2)];
  for (let j = 0; j < 16; j++) {
    const both = bytes[at + 4 + j]!;
    out[to + j] = (both & 15) * d + m;
    out[to + j + 16] = (both >> 4) * d + m;
  }
}

/** d, 32 fifth bits, quants: (q - 16)·d. */
function q5_0(bytes: Uint8Array, at: number, out: Float32Array, to: number): void {
  const d = float16At(bytes, at);
  const high = bits32At(bytes, at + 2);
  for (let j = 0; j < 16; j++) {
    const both = bytes[at + 6 + j]!;
    out[to + j] = (((both & 15) | (((high >>> j) & 1) << 4)) - 16) * d;
    out[to + j + 16] = (((both >> 4) | (((high >>> (j + 16)) & 1) << 4)) - 16) * d;
  }
}

/** d, m, 32 fifth bits, quants: q·d + m. */
function q5_1(bytes: Uint8Array, at: number, out: Float32Array, to: number): void {
  const [d, m] = [float16At(bytes, at), float16At(bytes, at + 2)];
  const high = bits32At(bytes, at + 4);
  for (let j = 0; j < 16; j++) {
    const both = bytes[at + 8 + j]!;
    out[to + j] = ((both & 15) | (((high >>> j) & 1) << 4)) * d + m;
    out[to + j + 16] = ((both >> 4) | (((high >>> (j + 16)) & 1) << 4)) * d + m;
  }
}

/** d, then 32 quants of a signed byte: q·d. */
function q8_0(bytes: Uint8Array, at: number, out: Float32Array, to: number): void {
  const d = float16At(bytes, at);
  for (let j = 0; j < 32; j++) out[to + j] = ((bytes[at + 2 + j]! << 24) >> 24) * d;
}

function bits32At(bytes: Uint8Array, at: number): number {
  return bytes[at]! | (bytes[at + 1]! << 8) | (bytes[at + 2]! << 16) | (bytes[at + 3]! << 24);
}
