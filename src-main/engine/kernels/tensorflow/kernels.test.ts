/**
 * What the small cases of testing/opsSuite.ts do not reach: large matrices in every order, and values too many for a
 * loop.
 */
import * as tf from '@tensorflow/tfjs-core';
import { beforeAll, expect, it } from 'vitest';
import { bootBackend } from '../../backends/backends.ts';
import { layerNorm } from '../../ops/layerNorm.ts';
import { rmsNorm } from '../../ops/rmsNorm.ts';
import { rotary } from '../../ops/rotary.ts';
import { Random } from '../../../../src-shared/random.ts';
import { expectTensor, toTensor } from '../../../../test-support/cases/opCase.ts';
import { randomArray, type Array64 } from '../../../../test-support/reference/array.ts';
import { rotaryReference } from '../../../../test-support/reference/attention.ts';
import { layerNormReference, rmsNormReference } from '../../../../test-support/reference/norms.ts';

beforeAll(async () => void (await bootBackend('tensorflow')));

/** sum_k a[m, k]·b[k, n] in float64, a and b read transposed where asked. */
function product(
  a: Array64,
  b: Array64,
  [M, K, N]: [number, number, number],
  transposeA: boolean,
  transposeB: boolean,
): Float64Array {
  return Float64Array.from({ length: M * N }, (_, i) => {
    const [m, n] = [Math.floor(i / N), i % N];
    let sum = 0;
    for (let k = 0; k < K; k++)
      sum += a.data[transposeA ? k * M + m : m * K + k]! * b.data[transposeB ? n * K + k : k * N + n]!;
    return sum;
  });
}

const ORDERS = [false, true].flatMap((transposeA) =>
  [false, true].map((transposeB) => [transposeA, transposeB] as const),
);

it.each(ORDERS)(
  'a product with a large matrix, transposed %s and %s, of one, some and many rows',
  async (transposeA, transposeB) => {
    const [K, N] = [300, 500];
    for (const M of [1, 4, 129]) {
      const random = new Random(M);
      const a = randomArray(transposeA ? [K, M] : [M, K], random);
      const b = randomArray(transposeB ? [N, K] : [K, N], random);
      const before = tf.memory().numTensors;
      const result = tf.tidy(() =>
        tf.matMul(toTensor(a) as tf.Tensor2D, toTensor(b) as tf.Tensor2D, transposeA, transposeB),
      );
      expect(result.shape).toEqual([M, N]);
      await expectTensor(result, product(a, b, [M, K, N], transposeA, transposeB), 1e-5, `${M} rows`);
      expect(tf.memory().numTensors).toBe(before);
    }
  },
);

it('many rows with a very large matrix, read against its order', async () => {
  const [M, K, N] = [130, 520, 2048] as const;
  const random = new Random(2);
  const [a, b] = [randomArray([M, K], random), randomArray([N, K], random)];
  const result = tf.tidy(() => tf.matMul(toTensor(a) as tf.Tensor2D, toTensor(b) as tf.Tensor2D, false, true));
  await expectTensor(result, product(a, b, [M, K, N], false, true), 1e-5, 'turned');
});

it('whole numbers are multiplied as before', () => {
  const [a, b] = [tf.tensor2d([1, 2, 3, 4], [2, 2], 'int32'), tf.tensor2d([5, 6, 7, 8], [2, 2], 'int32')];
  expect(tf.tidy(() => Array.from(tf.matMul(a, b).dataSync()))).toEqual([19, 22, 43, 50]);
  tf.dispose([a, b]);
});

it('norms and rotary positions of many values', async () => {
  const random = new Random(1);
  const [x, w, b] = [randomArray([70, 130], random), randomArray([130], random), randomArray([130], random)];
  await expectTensor(
    tf.tidy(() => layerNorm(toTensor(x) as tf.Tensor2D, toTensor(w), toTensor(b), 1e-5)),
    layerNormReference(x, w, b, 1e-5).data,
    1e-5,
    'LayerNorm',
  );
  await expectTensor(
    tf.tidy(() => rmsNorm(toTensor(x) as tf.Tensor2D, toTensor(w), 1e-5)),
    rmsNormReference(x, w, 1e-5).data,
    1e-5,
    'RMSNorm',
  );
  const [q, angles] = [randomArray([2, 5, 30, 40], random), randomArray([30, 20], random)];
  const turned = tf.tidy(() => rotary(toTensor(q) as tf.Tensor4D, tf.cos(toTensor(angles)), tf.sin(toTensor(angles))));
  await expectTensor(turned, rotaryReference(q, angles).data, 1e-5, 'rotary');
});
