/**
 * Q8_0 as quantize_row_q8_0_ref of ggml-quants.c writes it, bit for bit: blocks of 32 values, a float16 scale
 * d = max|x| / 127 and 32 signed bytes round(x / d), halves away from zero. All steps in float32.
 */
/// <reference lib="esnext.float16" />

const BLOCK = 32;

/** values: a whole number of blocks. Returns 34 bytes per block. */
export function q8_0(values: Float32Array): Uint8Array {
  const blocks = values.length / BLOCK;
  const bytes = new Uint8Array(34 * blocks);
  const view = new DataView(bytes.buffer);
  for (let block = 0; block < blocks; block++) {
    const start = block * BLOCK;
    let largest = 0;
    for (let i = start; i < start + BLOCK; i++) largest = Math.max(largest, Math.abs(values[i]!));
    const scale = Math.fround(largest / 127);
    const inverse = scale === 0 ? 0 : Math.fround(1 / scale);
    view.setFloat16(34 * block, scale, true);
    for (let i = 0; i < BLOCK; i++) {
      const x = Math.fround(values[start + i]! * inverse);
      view.setInt8(34 * block + 2 + i, Math.sign(x) * Math.floor(Math.abs(x) + 0.5));
    }
  }
  return bytes;
}
