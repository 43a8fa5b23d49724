/** Every variant of a product with a frozen weight against float64 products of the values that its words stand for. */
import * as tf from '@tensorflow/tfjs-core';
import { describe, expect, it } from 'vitest';
import { bootOrNote } from '../../../../../test-support/checks/engineSkip.ts';
import { expectTensor, toTensor } from '../../../../../test-support/cases/opCase.ts';
import { array64, randomArray, type Array64 } from '../../../../../test-support/reference/array.ts';
import { BASE_DTYPES, type BaseDtype } from '../../../../../src-shared/baseDtypes.ts';
import { packMatrix, unpackMatrix } from '../../../packed/packMatrix.ts';
import type { Parameter } from '../../../model/parameters.ts';
import { frozenLinear } from '../../../ops/frozenLinear.ts';
import { Random } from '../../../../../src-shared/random.ts';
import { deviceTraits, runVariant, type FrozenProduct } from './product.ts';
import type { Variant } from './variants.ts';
import { webgpuBackend } from '../../../backends/tfjsInternals.ts';

const note = await bootOrNote('webgpu');

type Sizes = [N: number, R: number, C: number];
const RAGGED: Sizes = [67, 70, 130];
/** Rows of whole vectors; more than a block of NF4. */
const VECTORS: Sizes = [5, 68, 132];
const ONE_ROW: Sizes = [1, 37, 129];

/** Each form in both directions, by tiles and by rows. Compiling takes most of the time here, so no more of each. */
const EVERY_FORMAT: [Variant, Sizes][] = [
  ['tiles32', RAGGED],
  ['tiles32', VECTORS],
  ['tiles32', [3, 1, 1]],
  ['rows', ONE_ROW],
];
/** The other texts, each for a form that has no short cut in it. */
const OTHERS: [BaseDtype, Variant, Sizes][] = [
  ['nf4', 'tiles64', RAGGED],
  ['nf4', 'tiles128', [131, 70, 130]],
  ['nf4', 'tiles32-f16', RAGGED],
  ['f16', 'tiles32-f16', RAGGED],
  ['int8', 'tiles64-f16', VECTORS],
  ['bf16', 'tiles128-f16', VECTORS],
  ['nf4', 'rows', [2, 132, 68]],
  ['int8', 'rows', [3, 20, 260]],
  ['f16', 'rows-subgroups', [4, 20, 260]],
  ['nf4', 'rows-subgroups', ONE_ROW],
];

/** Of a float32 sum of at most 260 products and its dequantised weights, in units of Σ|x·w|: n·2^-24, rounded up. */
const SUM = 2 ** -15;
/** A weight rounded to float16 on its way into a tile. */
const HALF = 2 ** -11;

/** x·W^T or x·W + b, and Σ|x·w| of each result. */
function reference(
  x: Array64,
  w: Array64,
  b: Array64 | null,
  transposed: boolean,
): { result: Float64Array; magnitude: Float64Array } {
  const [R, C] = w.shape as [number, number];
  const [N, inner, width] = [x.shape[0]!, transposed ? C : R, transposed ? R : C];
  const [result, magnitude] = [new Float64Array(N * width), new Float64Array(N * width)];
  for (let n = 0; n < N; n++) {
    for (let m = 0; m < width; m++) {
      let [sum, size] = [b ? b.data[m]! : 0, b ? Math.abs(b.data[m]!) : 0];
      for (let k = 0; k < inner; k++) {
        const term = x.data[n * inner + k]! * w.data[transposed ? m * C + k : k * C + m]!;
        sum += term;
        size += Math.abs(term);
      }
      result[n * width + m] = sum;
      magnitude[n * width + m] = size;
    }
  }
  return { result, magnitude };
}

/** The tensor for the kernel, and the values that it stands for. */
function stored(w: Array64, format: BaseDtype): { tensor: tf.Tensor; values: Array64 } {
  if (format === 'f32') return { tensor: toTensor(w), values: w };
  const packed = packMatrix('w', Float32Array.from(w.data), w.shape[0]!, w.shape[1]!, format);
  return {
    tensor: tf.tensor1d(packed.words, 'int32'),
    values: array64(w.shape, Float64Array.from(unpackMatrix(packed))),
  };
}

async function check(format: BaseDtype, transposed: boolean, variant: Variant, [N, R, C]: Sizes): Promise<void> {
  const before = tf.memory().numTensors;
  const random = new Random(R * C);
  const [w, x] = [randomArray([R, C], random), randomArray([N, transposed ? C : R], random)];
  const b = N % 2 ? randomArray([transposed ? R : C], random) : null;
  const { tensor, values } = stored(w, format);
  const product = { format, R, C, x: toTensor(x), w: tensor, b: b && toTensor(b), transposed };
  await compare(product, variant, reference(x, values, b, transposed));
  tf.dispose([product.x, product.w, ...(product.b ? [product.b] : [])]);
  expect(tf.memory().numTensors).toBe(before);
}

async function compare(product: FrozenProduct, variant: Variant, want: ReturnType<typeof reference>): Promise<void> {
  const y = tf.engine().makeTensorFromTensorInfo(runVariant(webgpuBackend(), product, variant));
  const got = await y.data();
  y.dispose();
  const unit = SUM + (variant.endsWith('-f16') && product.format !== 'f16' && product.format !== 'bf16' ? HALF : 0);
  const worst = want.result.reduce((most, value, i) => {
    const excess = Math.abs(got[i]! - value) / (unit * want.magnitude[i]! + 1e-6);
    return excess > most || Number.isNaN(excess) ? excess : most;
  }, 0);
  expect(worst, `${variant}, N ${product.x.shape[0]}, W (${product.R}, ${product.C})`).toBeLessThan(1);
}

describe.skipIf(note !== '')(`products with frozen weights${note}`, { timeout: 60_000 }, () => {
  const directions = BASE_DTYPES.flatMap((format) => [true, false].map((transposed) => [format, transposed] as const));
  it.each(directions)('%s, transposed %s', async (format, transposed) => {
    for (const [variant, sizes] of EVERY_FORMAT) await check(format, transposed, variant, sizes);
  });

  it.each(BASE_DTYPES.flatMap((format) => (['out_in', 'in_out'] as const).map((layout) => [format, layout] as const)))(
    '%s, %s: through the op, with its gradient',
    async (format, layout) => {
      const [[N, R, C], random] = [VECTORS, new Random(1)];
      const transposed = layout === 'out_in';
      const [w, x, b] = [
        randomArray([R, C], random),
        randomArray([N, transposed ? C : R], random),
        randomArray([transposed ? R : C], random),
      ];
      const dy = randomArray([N, transposed ? R : C], random);
      const { tensor, values } = stored(w, format);
      const parameter: Parameter = {
        name: 'w',
        value: tensor,
        ...(format === 'f32' ? {} : { packed: { format, shape: [R, C] } }),
      };
      const [xTensor, bTensor, dyTensor] = [toTensor(x), toTensor(b), toTensor(dy) as tf.Tensor2D];
      const before = tf.memory().numTensors;
      const { value, grad } = tf.valueAndGrad((input) =>
        frozenLinear(input as tf.Tensor2D, parameter, bTensor, layout),
      )(xTensor, dyTensor);
      await expectTensor(value, reference(x, values, b, transposed).result, 1e-3, 'y');
      await expectTensor(grad, reference(dy, values, null, !transposed).result, 1e-3, 'dx');
      expect(tf.memory().numTensors).toBe(before);
      tf.dispose([xTensor, bTensor, dyTensor, tensor]);
    },
  );

  const { f16, subgroups } = note ? { f16: false, subgroups: false } : deviceTraits(webgpuBackend().device);
  const runnable = OTHERS.filter(
    ([, variant]) => (f16 || !variant.endsWith('-f16')) && (subgroups || variant !== 'rows-subgroups'),
  );
  it.each(runnable)('%s, %s', async (format, variant, sizes) => {
    await check(format, true, variant, sizes);
    if (variant !== 'rows-subgroups') await check(format, false, variant, sizes);
  });
});
