/**
 * Products with packed weights on the engines that unpack them, forward and backward, against loops in float64 over the
 * values that the words stand for; and that the memory into which they are unpacked can be used again at once.
 */
import * as tf from '@tensorflow/tfjs-core';
import { describe, expect, it } from 'vitest';
import { Random } from '../../../src-shared/random.ts';
import { expectTensor, toTensor } from '../../../test-support/cases/opCase.ts';
import { array64, randomArray, type Array64 } from '../../../test-support/reference/array.ts';
import { bootBackend } from '../backends/backends.ts';
import type { Parameter } from '../model/parameters.ts';
import { PACKED_FORMATS, type PackedFormat } from '../packed/formats.ts';
import { packSource } from '../packed/kernels.ts';
import { packMatrix, unpackMatrix } from '../packed/packMatrix.ts';
import { frozenLinear } from './frozenLinear.ts';

/** N, R, C; the last ones have rows enough for several strips, and one row of x. */
const SIZES: [number, number, number][] = [
  [4, 300, 517],
  [1, 1, 1],
  [3, 5, 7],
  [2, 18, 66],
  [9, 70, 130],
  [1, 33, 257],
];
const LAYOUTS = ['out_in', 'in_out'] as const;

/** x·W, or x·W^T. */
function product(x: Array64, w: Array64, transposed: boolean, b?: Array64): Float64Array {
  const [[N, inner], [R, C]] = [x.shape as [number, number], w.shape as [number, number]];
  const width = transposed ? R : C;
  return Float64Array.from({ length: N * width }, (_, i) => {
    const [n, m] = [Math.floor(i / width), i % width];
    let sum = b?.data[m] ?? 0;
    for (let k = 0; k < inner; k++) sum += x.data[n * inner + k]! * w.data[transposed ? m * C + k : k * C + m]!;
    return sum;
  });
}

function packed(w: Array64, format: PackedFormat): { parameter: Parameter; values: Array64 } {
  const [R, C] = w.shape as [number, number];
  const matrix = packMatrix('w', Float32Array.from(w.data), R, C, format);
  return {
    parameter: { name: 'w', value: tf.tensor1d(matrix.words, 'int32'), packed: { format, shape: [R, C] } },
    values: array64(w.shape, Float64Array.from(unpackMatrix(matrix))),
  };
}

describe.each(['tensorflow', 'wasm'] as const)('products with packed weights on %s', (engine) => {
  it.each(PACKED_FORMATS.flatMap((format) => LAYOUTS.map((layout) => [format, layout] as const)))(
    '%s, %s',
    async (format, layout) => {
      await bootBackend(engine);
      const transposed = layout === 'out_in';
      for (const [N, R, C] of SIZES) {
        const random = new Random(R * C);
        const { parameter, values } = packed(randomArray([R, C], random), format);
        const [width, inner] = transposed ? [R, C] : [C, R];
        const [x, dy, b] = [
          randomArray([N, inner], random),
          randomArray([N, width], random),
          randomArray([width], random),
        ];
        const given = [toTensor(x), toTensor(dy), toTensor(b)] as [tf.Tensor2D, tf.Tensor2D, tf.Tensor1D];
        const before = tf.memory().numTensors;
        const { value, grad } = tf.valueAndGrad((input) =>
          frozenLinear(input as tf.Tensor2D, parameter, given[2], layout),
        )(given[0], given[1]);
        await expectTensor(value, product(x, values, transposed, b), 1e-5, 'y');
        await expectTensor(grad, product(dy, values, !transposed), 1e-5, 'dx');
        expect(tf.memory().numTensors).toBe(before);
        tf.dispose([...given, parameter.value]);
      }
    },
  );
});

it.each(LAYOUTS)(
  '%s: W of more values than are unpacked at once, and many products before one is read',
  async (layout) => {
    await bootBackend('tensorflow');
    const transposed = layout === 'out_in';
    const [R, C, N] = [2100, 8200, 5];
    const random = new Random(5);
    const some = random.normal(4099, 0.05);
    const values = new Float32Array(R * C);
    for (let i = 0; i < R * C; i++) values[i] = some[i % some.length]!;
    const factors = [1, -2]; // doubling is exact in bfloat16
    const ws = factors.map((factor): Parameter => {
      const bytes = new Uint8Array(values.map((value) => factor * value).buffer);
      const { words } = packSource('w', { dtype: 'F32', bytes }, R, C, 'bf16');
      return { name: 'w', value: tf.tensor1d(words, 'int32'), packed: { format: 'bf16', shape: [R, C] } };
    });
    const x = randomArray([N, transposed ? C : R], random);
    const xTensor = toTensor(x) as tf.Tensor2D;
    // An engine that still read the memory of one product during the next would mix them.
    const results = [0, 1, 0].map((i) => tf.tidy(() => frozenLinear(xTensor, ws[i]!, undefined, layout)));
    const rounded = unpackMatrix(packMatrix('w', some, 1, some.length, 'bf16'));
    const [inner, width] = transposed ? [C, R] : [R, C];
    for (const [i, result] of results.entries()) {
      const got = await result.data();
      for (const m of [0, 1, 1000, 2045, 2046, 2047, width - 1]) {
        for (let n = 0; n < N; n++) {
          let want = 0;
          for (let k = 0; k < inner; k++)
            want += x.data[n * inner + k]! * rounded[(transposed ? m * C + k : k * C + m) % rounded.length]!;
          expect(Math.abs(got[n * width + m]! - factors[i % 2]! * want), `product ${i}, (${n}, ${m})`).toBeLessThan(
            1e-3,
          );
        }
      }
    }
    tf.dispose([xTensor, ...results, ...ws.map(({ value }) => value)]);
  },
);
