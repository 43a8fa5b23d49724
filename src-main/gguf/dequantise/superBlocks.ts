/** K-quants: blocks of 256 values, whose parts of 32 or 16 have scales that are quantised themselves. */
import { float16At } from './float16.ts';

/**
 * d, dmin, 12 bytes with 8 scales and 8 minima of 6 bits, 128 bytes of two quants each: q·d·scale - dmin·minimum.
 * Parts 2i and 2i + 1 are the low and the high halves of the same 32 bytes.
 */
export function q4k(bytes: Uint8Array, at: number, out: Float32Array, to: number): void {
  const [d, dmin] = [float16At(bytes, at), float16At(bytes, at + 2)];
  for (let part = 0; part < 8; part++) {
    const scale = d * scaleOf(bytes, at + 4, part);
    const minimum = dmin * minimumOf(bytes, at + 4, part);
    const first = at + 16 + 32 * (part >> 1);
    const shift = 4 * (part & 1);
    for (let j = 0; j < 32; j++) out[to + 32 * part + j] = ((bytes[first + j]! >> shift) & 15) * scale - minimum;
  }
}

/** As q4k, with 32 bytes of fifth bits before the quants: bit `part` of byte j. */
export function q5k(bytes: Uint8Array, at: number, out: Float32Array, to: number): void {
  const [d, dmin] = [float16At(bytes, at), float16At(bytes, at + 2)];
  for (let part = 0; part < 8; part++) {
    const scale = d * scaleOf(bytes, at + 4, part);
    const minimum = dmin * minimumOf(bytes, at + 4, part);
    const first = at + 48 + 32 * (part >> 1);
    const shift = 4 * (part & 1);
    for (let j = 0; j < 32; j++) {
      const high = ((bytes[at + 16 + j]! >> part) & 1) << 4;
      out[to + 32 * part + j] = (((bytes[first + j]! >> shift) & 15) | high) * scale - minimum;
    }
  }
}

/** 128 bytes of low halves, 64 of upper two bits, 16 scales of a signed byte, d: (q - 32)·d·scale. */
export function q6k(bytes: Uint8Array, at: number, out: Float32Array, to: number): void {
  const d = float16At(bytes, at + 208);
  for (let part = 0; part < 8; part++) {
    // Four parts of 32 share 64 bytes of low halves and 32 of upper bits.
    const [group, quarter] = [part >> 2, part & 3];
    const low = at + 64 * group + 32 * (quarter & 1);
    const lowShift = 4 * (quarter >> 1);
    const high = at + 128 + 32 * group;
    for (let j = 0; j < 32; j++) {
      const scale = d * ((bytes[at + 192 + 2 * part + (j >> 4)]! << 24) >> 24);
      const q = ((bytes[low + j]! >> lowShift) & 15) | (((bytes[high + j]! >> (2 * quarter)) & 3) << 4);
      out[to + 32 * part + j] = (q - 32) * scale;
    }
  }
}

/** Six bits: the first four parts' lie in the low bits of a byte, the others' in two bytes. */
function scaleOf(bytes: Uint8Array, at: number, part: number): number {
  if (part < 4) return bytes[at + part]! & 63;
  return (bytes[at + part + 4]! & 15) | ((bytes[at + part - 4]! >> 6) << 4);
}

function minimumOf(bytes: Uint8Array, at: number, part: number): number {
  if (part < 4) return bytes[at + part + 4]! & 63;
  return (bytes[at + part + 4]! >> 4) | ((bytes[at + part]! >> 6) << 4);
}
