/** Products with packed weights against float64, at ragged sizes and in both directions. */
import * as tf from '@tensorflow/tfjs-core';
import { describe, expect, it } from 'vitest';
import { Random } from '../../random.ts';
import { bootOrNote } from '../../../testing/engineSkip.ts';
import { expectTensor, toTensor } from '../../../testing/opCase.ts';
import { randomArray, type Array64 } from '../../../testing/reference/array.ts';
import { frozenMatmul, type FrozenFormat } from './frozenMatmul.ts';
import { packMatrix } from './packWeights.ts';
import type { WebgpuBackend } from './program.ts';

const note = await bootOrNote('webgpu');
const FORMATS: FrozenFormat[] = ['f16', 'int8'];
/** Largest rounding error of one weight, relative to the largest of its row: half a step of 127, or 11 bits of mantissa. */
const ROUNDING: Record<FrozenFormat, number> = { f16: 2 ** -11, int8: 0.5 / 127 };

/** x·W^T or x·W, and for each result the sum of |x| times the largest |W| of the row of W it meets. */
function product(x: Array64, w: Array64, transposed: boolean): { result: Float64Array; bound: Float64Array } {
  const [R, C] = w.shape as [number, number];
  const [N, inner, width] = [x.shape[0]!, transposed ? C : R, transposed ? R : C];
  const largest = Array.from({ length: R }, (_, r) => Math.max(...w.data.subarray(r * C, (r + 1) * C).map(Math.abs)));
  const [result, bound] = [new Float64Array(N * width), new Float64Array(N * width)];
  for (let n = 0; n < N; n++) {
    for (let m = 0; m < width; m++) {
      for (let k = 0; k < inner; k++) {
        const value = x.data[n * inner + k]!;
        const row = transposed ? m : k;
        result[n * width + m]! += value * w.data[row * C + (transposed ? k : m)]!;
        bound[n * width + m]! += Math.abs(value) * largest[row]!;
      }
    }
  }
  return { result, bound };
}

/** The values that the packed words stand for, read without the kernel. */
function unpacked({ shape }: Array64, words: Int32Array, scales: Float32Array, format: FrozenFormat): Array64 {
  const [R, C] = shape as [number, number];
  const bytesPerRow = words.byteLength / R;
  const data = new Float64Array(R * C);
  const view = new DataView(words.buffer);
  for (let i = 0; i < R * C; i++) {
    const [r, c] = [Math.floor(i / C), i % C];
    data[i] = format === 'int8' ? scales[r]! * view.getInt8(r * bytesPerRow + c) : halfToNumber(view.getUint16(r * bytesPerRow + 2 * c, true));
  }
  return { shape, data };
}

function halfToNumber(bits: number): number {
  const [sign, exponent, mantissa] = [bits >> 15 ? -1 : 1, (bits >> 10) & 31, bits & 1023];
  return sign * (exponent === 0 ? mantissa * 2 ** -24 : (1 + mantissa / 1024) * 2 ** (exponent - 15));
}

describe.skipIf(note !== '')(`products with packed weights${note}`, () => {
  const cases = FORMATS.flatMap((format) => [[1, 1, 1], [3, 17, 5], [65, 70, 33], [2, 130, 67]].flatMap(([N, R, C]) => [true, false].map((transposed) => [format, N!, R!, C!, transposed] as const)));
  it.each(cases)('%s, N %i, W (%i, %i), transposed %s', async (format, N, R, C, transposed) => {
    const random = new Random(R * C);
    const w = randomArray([R, C], random);
    const x = randomArray([N, transposed ? C : R], random);
    const { words, scales } = packMatrix(Float32Array.from(w.data), R, C, format);
    const before = tf.memory().numTensors;
    const tensors = [toTensor(x), tf.tensor1d(words, 'int32'), tf.tensor1d(scales)] as const;
    const info = frozenMatmul(tf.backend() as unknown as WebgpuBackend, tensors[0], { format, R, C, words: tensors[1], scales: tensors[2] }, transposed);
    const y = tf.engine().makeTensorFromTensorInfo(info);
    expect(y.shape).toEqual([N, transposed ? R : C]);
    const stored = product(x, unpacked(w, words, scales, format), transposed);
    await expectTensor(y, stored.result, 1e-3, 'product with the stored values');
    const exact = product(x, w, transposed);
    const worst = stored.result.reduce((most, value, i) => Math.max(most, Math.abs(value - exact.result[i]!) / (exact.bound[i]! * ROUNDING[format])), 0);
    expect(worst).toBeLessThan(1 + 1e-6);
    tf.dispose([...tensors]);
    expect(tf.memory().numTensors).toBe(before);
  });
});
