/** Our gradients of tfjs's kernels against those that tfjs-node brings along, for each kernel that has one. */
import { createRequire } from 'node:module';
import * as tf from '@tensorflow/tfjs-core';
import { beforeAll, expect, it } from 'vitest';
import { expectClose } from '../../../test-support/checks/expectClose.ts';
import { Random } from '../../../src-shared/random.ts';
import { scatterAddRowsOp } from './scatterAddRows.ts';
import { DIFFERENTIABLE, registerTfjsGradients } from './tfjsGradients.ts';

type Tensors = [tf.Tensor, ...tf.Tensor[]];

/** The backend cpu is none of ours, so our own kernel is not there. */
const scatterOnCpu: tf.KernelFunc = ({ inputs, attrs }) => {
  const { x, ids } = inputs as { x: tf.Tensor2D; ids: tf.Tensor1D };
  return [tf.unsortedSegmentSum(x, ids, attrs!['rows'] as number)];
};

/** Kernel, shapes of the inputs, and the op. All inputs are positive. */
const CASES: [string, number[][], (...inputs: Tensors) => tf.Tensor][] = [
  ['Add', [[2, 3], [3]], (a, b) => tf.add(a, b!)],
  [
    'Sub',
    [
      [2, 1, 3],
      [4, 1],
    ],
    (a, b) => tf.sub(a, b!),
  ],
  ['Multiply', [[2, 3], []], (a, b) => tf.mul(a, b!)],
  ['RealDiv', [[3], [2, 3]], (a, b) => tf.div(a, b!)],
  [
    'BatchMatMul',
    [
      [2, 3],
      [3, 4],
    ],
    (a, b) => tf.matMul(a, b!),
  ],
  [
    'BatchMatMul',
    [
      [2, 3],
      [4, 3],
    ],
    (a, b) => tf.matMul(a, b!, false, true),
  ],
  [
    'BatchMatMul',
    [
      [3, 2],
      [3, 4],
    ],
    (a, b) => tf.matMul(a, b!, true, false),
  ],
  [
    'BatchMatMul',
    [
      [5, 3, 2],
      [5, 4, 3],
    ],
    (a, b) => tf.matMul(a, b!, true, true),
  ],
  ['Neg', [[3]], (x) => tf.neg(x)],
  ['Square', [[3]], (x) => tf.square(x)],
  ['Exp', [[3]], (x) => tf.exp(x)],
  ['Log', [[3]], (x) => tf.log(x)],
  ['Log1p', [[3]], (x) => tf.log1p(x)],
  ['Softplus', [[3]], (x) => tf.softplus(x)],
  ['Sqrt', [[3]], (x) => tf.sqrt(x)],
  ['Rsqrt', [[3]], (x) => tf.rsqrt(x)],
  ['Tanh', [[3]], (x) => tf.tanh(x)],
  ['Sigmoid', [[3]], (x) => tf.sigmoid(x)],
  ['Relu', [[6]], (x) => tf.relu(tf.sub(x, 1))],
  ['Erf', [[3]], (x) => tf.erf(x)],
  ['Softmax', [[2, 4]], (x) => tf.softmax(x)],
  ['Sum', [[2, 3, 4]], (x) => tf.sum(x, 1)],
  ['Sum', [[2, 3]], (x) => tf.sum(x, [0, 1], true)],
  ['Mean', [[2, 3, 4]], (x) => tf.mean(x, [0, -1])],
  ['Mean', [[2, 3]], (x) => tf.mean(x)],
  ['Reshape', [[2, 3]], (x) => tf.reshape(x, [3, 2])],
  ['ExpandDims', [[2, 3]], (x) => tf.expandDims(x, 1)],
  ['Identity', [[2, 3]], (x) => tf.clone(x)],
  ['Cast', [[2, 3]], (x) => tf.cast(x, 'float32')],
  ['Transpose', [[2, 3, 4]], (x) => tf.transpose(x, [2, 0, 1])],
  ['Slice', [[4, 5]], (x) => tf.slice(x, [1, 2], [2, -1])],
  [
    'PadV2',
    [[2, 3]],
    (x) =>
      tf.pad(x, [
        [1, 0],
        [0, 2],
      ]),
  ],
  [
    'Concat',
    [
      [2, 3],
      [2, 1],
    ],
    (a, b) => tf.concat([a, b!], 1),
  ],
  [
    'Pack',
    [
      [2, 3],
      [2, 3],
    ],
    (a, b) => tf.stack([a, b!], 1),
  ],
  ['SplitV', [[2, 5]], (x) => tf.concat(tf.split(x, [2, 1, 2], 1).reverse(), 1)],
  ['GatherV2', [[4, 3]], (x) => tf.gather(x, tf.tensor1d([3, 0, 3], 'int32'))],
];

/** Of each input. dy is not the same everywhere, or a wrong sum would pass. */
function gradientsOf(shapes: number[][], op: (...inputs: Tensors) => tf.Tensor): Float32Array[] {
  const random = new Random(5);
  const positive = (shape: number[]): tf.Tensor =>
    tf.tensor(
      Array.from({ length: tf.util.sizeFromShape(shape) }, () => 0.3 + 2 * random.uniform()),
      shape,
    );
  return tf.tidy(() => {
    const inputs = shapes.map(positive) as Tensors;
    const dy = positive(op(...inputs).shape);
    const f = (...all: tf.Tensor[]): tf.Tensor => op(...(all as Tensors));
    return tf
      .grads(f)(inputs, dy)
      .map((gradient) => gradient.dataSync() as Float32Array);
  });
}

/** A dependency of tfjs-node-gpu, not of ours. */
const TFJS = '@tensorflow/tfjs';
const theirs: Float32Array[][] = [];

beforeAll(async () => {
  const require = createRequire(import.meta.resolve('@tensorflow/tfjs-node-gpu'));
  require(TFJS); // brings its gradients, and the backend cpu
  await tf.setBackend('cpu');
  if (!tf.getKernel(scatterAddRowsOp.kernelName, 'cpu'))
    tf.registerKernel({ kernelName: scatterAddRowsOp.kernelName, backendName: 'cpu', kernelFunc: scatterOnCpu });
  theirs.push(...CASES.map(([, shapes, op]) => gradientsOf(shapes, op)));
  registerTfjsGradients();
});

it('every kernel is compared', () => {
  expect(new Set(CASES.map(([name]) => name))).toEqual(new Set(DIFFERENTIABLE));
});

it.each(CASES.map(([name, shapes, op], i) => ({ name, shapes, op, i })))('$name of $shapes', ({ shapes, op, i }) => {
  const ours = gradientsOf(shapes, op);
  expect(ours).toHaveLength(shapes.length);
  for (const [k, got] of ours.entries()) expectClose(got, theirs[i]![k]!, { rtol: 1e-5, atol: 1e-6 }, `input ${k}`);
});
