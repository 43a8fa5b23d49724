/**
 * Q4_0 as quantize_row_q4_0_ref of ggml-quants.c writes it, bit for bit: blocks of 32 values, a float16 scale
 * d = (the value of largest magnitude) / -8 and 32 nibbles min(15, trunc(x / d + 8.5)), value i beside value i + 16.
 * All steps in float32.
 */
/// <reference lib="esnext.float16" />

const BLOCK = 32;

/** values: a whole number of blocks. Returns 18 bytes per block. */
export function q4_0(values: Float32Array): Uint8Array {
  const blocks = values.length / BLOCK;
  const bytes = new Uint8Array(18 * blocks);
  const view = new DataView(bytes.buffer);
  for (let block = 0; block < blocks; block++) {
    const start = block * BLOCK;
    const scale = extreme(values, start) / -8;
    const inverse = scale === 0 ? 0 : Math.fround(1 / scale);
    view.setFloat16(18 * block, scale, true);
    for (let i = 0; i < BLOCK / 2; i++) {
      const low = nibble(values[start + i]!, inverse);
      const high = nibble(values[start + BLOCK / 2 + i]!, inverse);
      bytes[18 * block + 2 + i] = low | (high << 4);
    }
  }
  return bytes;
}

/** The first value of largest magnitude. */
function extreme(values: Float32Array, start: number): number {
  let found = 0;
  for (let i = start; i < start + BLOCK; i++) if (Math.abs(values[i]!) > Math.abs(found)) found = values[i]!;
  return found;
}

function nibble(value: number, inverse: number): number {
  return Math.min(15, Math.trunc(Math.fround(Math.fround(value * inverse) + 8.5)));
}
