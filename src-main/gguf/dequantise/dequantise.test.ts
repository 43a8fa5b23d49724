/** Every value as ggml's own `dequantize_row_*` gives it, from blocks that ggml made and from blocks of any bytes. */
import koffi from 'koffi';
import { expect, it } from 'vitest';
import { ggmlLibrary } from '../../llamacpp/ggml.ts';
import { GGML_TYPES, rowBytes, type GgmlTypeName } from '../ggmlTypes.ts';
import { dequantise } from './dequantise.ts';

const library = ggmlLibrary();
const WIDTH = 512;
const ROWS = 8;

const TYPES = {
  Q4_0: 'q4_0',
  Q4_1: 'q4_1',
  Q5_0: 'q5_0',
  Q5_1: 'q5_1',
  Q8_0: 'q8_0',
  Q4_K: 'q4_K',
  Q5_K: 'q5_K',
  Q6_K: 'q6_K',
} as const;

/** A generator with the same numbers on every run. */
function randomNumbers(seed: number): () => number {
  let state = seed >>> 0;
  return () => {
    state = (Math.imul(state, 1664525) + 1013904223) >>> 0;
    return state / 2 ** 32;
  };
}

it.skipIf(!library).each(Object.entries(TYPES))('%s as ggml reads it, bit for bit', (type, name) => {
  const ggml = koffi.load(library!);
  const quantise = ggml.func(
    'size_t ggml_quantize_chunk(int, float *, _Out_ void *, int64_t, int64_t, int64_t, float *)',
  );
  const judge = ggml.func(`void dequantize_row_${name}(const void *, _Out_ float *, int64_t)`);
  const random = randomNumbers(7);
  const values = Float32Array.from({ length: WIDTH * ROWS }, () => (random() - 0.5) * 2 ** (8 * random() - 4));
  const blocks = new Uint8Array(rowBytes(type as GgmlTypeName, WIDTH) * ROWS);
  quantise(GGML_TYPES[type as GgmlTypeName].id, values, blocks, 0, ROWS, WIDTH, null);
  const wild = blocks.map(() => Math.floor(256 * random()));
  for (const bytes of [blocks, wild]) {
    const want = new Float32Array(values.length);
    judge(bytes, want, want.length);
    const got = new Float32Array(values.length);
    dequantise(type as GgmlTypeName, bytes, got);
    // Scales of any bytes can be NaN, whose bits differ with the machine.
    const plain = (list: Float32Array): number[] => Array.from(list, (value) => (Number.isNaN(value) ? 1e38 : value));
    expect(plain(got)).toEqual(plain(want));
  }
});
