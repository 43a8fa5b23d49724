/** Packs a float32 matrix into the words that frozenMatmul.ts reads. Rows start at a word; what is over is zero. */
/// <reference lib="esnext.float16" />
import { valuesPerWord, type FrozenFormat } from './frozenMatmul.ts';

export interface PackedMatrix {
  words: Int32Array;
  /** One per row; W = scale · stored value. */
  scales: Float32Array;
}

/** `values`: (R, C) row-major. int8 is symmetric: scale = max|row| / 127; f16 rounds to nearest and keeps scale 1. */
export function packMatrix(values: Float32Array, R: number, C: number, format: FrozenFormat): PackedMatrix {
  const wordsPerRow = Math.ceil(C / valuesPerWord[format]);
  const words = new Int32Array(R * wordsPerRow);
  const scales = new Float32Array(R).fill(1);
  for (let r = 0; r < R; r++) {
    const row = values.subarray(r * C, (r + 1) * C);
    const at = 4 * r * wordsPerRow;
    if (format === 'f16') {
      new Float16Array(words.buffer, at, C).set(row);
      continue;
    }
    const scale = row.reduce((most, value) => Math.max(most, Math.abs(value)), 0) / 127 || 1; // a row of zeros has no scale
    scales[r] = scale;
    new Int8Array(words.buffer, at, C).set(row.map((value) => Math.round(value / scale)));
  }
  return { words, scales };
}
