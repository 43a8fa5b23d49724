/** Compiled kernels at lengths that take several pieces, the last of which overlaps, against float64 in plain loops. */
import * as tf from '@tensorflow/tfjs-core';
import { beforeAll, describe, expect, it } from 'vitest';
import { bootBackend } from '../../../backends/backends.ts';
import { valueAndGradients } from '../../../train/gradients.ts';
import { gelu } from '../../../ops/gelu.ts';
import { addLayerNorm } from '../../../ops/layerNorm.ts';
import { addRmsNorm } from '../../../ops/rmsNorm.ts';
import { swiglu } from '../../../ops/swiglu.ts';
import { adamwOp } from '../../../optim/adamw.ts';
import { Random } from '../../../../../src-shared/random.ts';
import { checkOp, expectTensor, toTensor } from '../../../../../test-support/cases/opCase.ts';
import { geluReference, swigluReference } from '../../../../../test-support/reference/activations.ts';
import {
  array64,
  centralDifferences,
  dot,
  randomArray,
  type Array64,
} from '../../../../../test-support/reference/array.ts';
import { layerNormReference, rmsNormReference } from '../../../../../test-support/reference/norms.ts';
import { piecesOf } from './pieces.ts';

beforeAll(async () => void (await bootBackend('tensorflow')));

/** One large piece, two small ones, and 2,325 values more. */
const LONG = [5, 66_001];
const RTOL = 2e-6;
/**
 * XLA's sigmoid is exact to 6e-8 absolute, not relative, and GELU's slope multiplies that where it is next to 0 by
 * |x·(LINEAR + 3·CUBIC·x^2)|, which is 60 at x = -6.
 */
const GELU_RTOL = 6e-6;

/** dy·df/dx of an f that goes element by element. */
function slopesTimes(f: (x: Array64) => Array64, x: Array64, dy: Array64): Float64Array {
  const h = 1e-5;
  const moved = (by: number): Float64Array =>
    f(
      array64(
        x.shape,
        x.data.map((value) => value + by),
      ),
    ).data;
  const [above, below] = [moved(h), moved(-h)];
  return dy.data.map((value, i) => (value * (above[i]! - below[i]!)) / (2 * h));
}

it('GELU and its gradient', () =>
  checkOp(
    {
      inputs: { x: randomArray(LONG, new Random(1), 2) },
      engine: ({ x }) => gelu(x as tf.Tensor2D),
      reference: ({ x }) => geluReference(x!),
      gradients: ({ x }, dy) => ({ x: slopesTimes(geluReference, x!, dy) }),
    },
    GELU_RTOL,
  ));

it('SwiGLU and its gradients', () =>
  checkOp(
    {
      inputs: { gate: randomArray(LONG, new Random(2), 2), up: randomArray(LONG, new Random(3)) },
      engine: ({ gate, up }) => swiglu(gate as tf.Tensor2D, up as tf.Tensor2D),
      reference: ({ gate, up }) => swigluReference(gate!, up!),
      gradients: ({ gate, up }, dy) => ({
        gate: slopesTimes((moved) => swigluReference(moved, up!), gate!, dy),
        up: slopesTimes((moved) => swigluReference(gate!, moved), up!, dy),
      }),
    },
    RTOL,
  ));

describe('the norm of a residual sum', () => {
  const [N, C] = [1613, 96] as const;
  const random = new Random(4);
  const [x, f, dSum, dy] = Array.from({ length: 4 }, () => randomArray([N, C], random)) as [
    Array64,
    Array64,
    Array64,
    Array64,
  ];
  const [w, b] = [randomArray([C], random), randomArray([C], random)];
  const sum = array64(
    [N, C],
    x.data.map((value, i) => value + f.data[i]!),
  );
  const rowOf = ({ data }: Array64, n: number): Array64 => array64([1, C], data.slice(n * C, (n + 1) * C));

  /** Rows at the edges of pieces; row by row, so that central differences stay affordable. */
  const ROWS = [0, 1023, 1024, 1535, 1536, N - 1];

  it.each([
    ['LayerNorm', addLayerNorm, (row: Array64) => layerNormReference(row, w, b, 1e-5)],
    [
      'RMSNorm',
      (x: tf.Tensor2D, f: tf.Tensor2D, w: tf.Tensor, _: tf.Tensor, eps: number) => addRmsNorm(x, f, w, eps),
      (row: Array64) => rmsNormReference(row, w, 1e-5),
    ],
  ] as const)('%s and its gradient', async (name, op, reference) => {
    const before = tf.memory().numTensors;
    const tensors = [x, f, w, b, dSum, dy].map(toTensor) as [
      tf.Tensor2D,
      tf.Tensor2D,
      tf.Tensor,
      tf.Tensor,
      tf.Tensor,
      tf.Tensor,
    ];
    const [tx, tf_, tw, tb, tdSum, tdy] = tensors;
    const [gotSum, gotY] = tf.tidy(() => op(tx, tf_, tw, tb, 1e-5));
    await expectTensor(gotSum, sum.data, RTOL, `${name} sum`);
    await expectTensor(gotY, reference(sum).data, RTOL, name);
    const { value, gradients } = valueAndGradients(() => {
      const [s, y] = op(tx, tf_, tw, tb, 1e-5);
      return tf.add(tf.sum(tf.mul(s, tdSum)), tf.sum(tf.mul(y, tdy)));
    }, [tx]);
    const [got] = gradients;
    const values = (await got!.data()) as Float32Array;
    for (const n of ROWS) {
      const row = rowOf(sum, n);
      const want = centralDifferences(
        () => dot(reference(row).data, rowOf(dy, n).data) + dot(row.data, rowOf(dSum, n).data),
        row,
      );
      await expectTensor(tf.tensor1d(values.slice(n * C, (n + 1) * C)), want, 5e-6, `${name}, row ${n}`);
    }
    tf.dispose([value, gradients, tensors]);
    expect(tf.memory().numTensors).toBe(before);
  });
});

// The second is a matrix of rows of 1,024, so its moments are overwritten; its last piece overlaps the one before.
it.each([330_005, (1 << 18) + 35 * 1024])('AdamW of %i values', async (size) => {
  const random = new Random(5);
  const [p, m, g] = [randomArray([size], random), randomArray([size], random, 0.1), randomArray([size], random)];
  const v = array64(
    [size],
    randomArray([size], random).data.map((value) => value ** 2),
  );
  const [scale, beta1, beta2, eps, keep, rate, root] = [0.5, 0.9, 0.999, 1e-8, 0.999, 1e-3, 1.7];
  const wantM = m.data.map((value, i) => beta1 * value + (1 - beta1) * scale * g.data[i]!);
  const wantV = v.data.map((value, i) => beta2 * value + (1 - beta2) * (scale * g.data[i]!) ** 2);
  const wantP = p.data.map((value, i) => keep * value - (rate * wantM[i]!) / (Math.sqrt(wantV[i]!) * root + eps));
  const before = tf.memory().numTensors;
  const tensors = { p: toTensor(p), m: toTensor(m), v: toTensor(v), g: toTensor(g), scale: tf.scalar(scale) };
  const [nextP, nextM, nextV] = adamwOp(tensors, { beta1, beta2, eps, keep, rate, root });
  await expectTensor(nextP, wantP, RTOL, 'p');
  await expectTensor(nextM, wantM, RTOL, 'm');
  await expectTensor(nextV, wantV, RTOL, 'v');
  tf.dispose(tensors);
  expect(tf.memory().numTensors).toBe(before);
});

it('what is not a number stays none', () => {
  const values = new Float32Array(1 << 15).fill(1);
  values[77] = NaN;
  const y = tf.tidy(() => gelu(tf.tensor2d(values, [1, values.length])).dataSync());
  expect(Array.from(y).flatMap((value, i) => (Number.isNaN(value) ? [i] : []))).toEqual([77]);
});

it.each([
  [
    9,
    [
      { start: 0, size: 4, skip: 0 },
      { start: 4, size: 4, skip: 0 },
      { start: 7, size: 2, skip: 1 },
    ],
  ],
  [
    6,
    [
      { start: 0, size: 4, skip: 0 },
      { start: 4, size: 2, skip: 0 },
    ],
  ],
  [
    3,
    [
      { start: 0, size: 2, skip: 0 },
      { start: 1, size: 2, skip: 1 },
    ],
  ],
])('%i is covered by pieces of 4 and 2', (total, pieces) => {
  expect(piecesOf(total, [4, 2])).toEqual(pieces);
});

it('what is shorter than a piece is not cut', () => {
  expect(() => piecesOf(1, [4, 2])).toThrow(RangeError);
});
