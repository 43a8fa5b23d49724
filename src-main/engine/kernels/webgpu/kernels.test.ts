/**
 * Our WGSL kernels at sizes that the small cases of testing/opsSuite.ts do not reach: rows wider than a workgroup,
 * more workgroups than one row of the grid holds, heads as wide as models have them.
 */
import * as tf from '@tensorflow/tfjs-core';
import { describe, expect, it } from 'vitest';
import '../../../methods/lora/lora.ts';
import '../../model/decoder.ts';
import '../../optim/adamw.ts';
import { globalNorm } from '../../train/step.ts';
import { gelu } from '../../ops/gelu.ts';
import { layerNorm } from '../../ops/layerNorm.ts';
import { linearCrossEntropy } from '../../ops/linearCrossEntropy.ts';
import { loraLinear } from '../../ops/loraLinear.ts';
import { rmsNorm } from '../../ops/rmsNorm.ts';
import { rotary } from '../../ops/rotary.ts';
import { swiglu } from '../../ops/swiglu.ts';
import { Random } from '../../../../src-shared/random.ts';
import { bootOrNote } from '../../../../test-support/checks/engineSkip.ts';
import { expectClose } from '../../../../test-support/checks/expectClose.ts';
import { checkOp, expectTensor, toTensor } from '../../../../test-support/cases/opCase.ts';
import { geluReference, swigluReference } from '../../../../test-support/reference/activations.ts';
import {
  array64,
  centralDifferences,
  dot,
  randomArray,
  randomIds,
  type Array64,
} from '../../../../test-support/reference/array.ts';
import {
  attentionGradientReference,
  attentionReference,
  rotaryReference,
} from '../../../../test-support/reference/attention.ts';
import { attentionCase, rowsAttentionCase, type RowsCase } from '../../../../test-support/cases/attentionCase.ts';
import { linearCrossEntropyReference } from '../../../../test-support/reference/crossEntropy.ts';
import { loraLinearReference } from '../../../../test-support/reference/lora.ts';
import { layerNormReference, rmsNormReference } from '../../../../test-support/reference/norms.ts';
import { WEBGPU_KERNELS } from './register.ts';

const RTOL = 1e-3;
const note = await bootOrNote('webgpu');

it.each([
  { window: 0, cap: 0 },
  { window: 2, cap: 0.8 },
])('the analytic reference gradient of attention is that of the reference, %o', (rule) => {
  const random = new Random(6);
  const [q, k, v, dy] = [
    [2, 4, 3, 5],
    [2, 2, 6, 5],
    [2, 2, 6, 5],
    [2, 4, 3, 5],
  ].map((shape) => randomArray(shape, random)) as [Array64, Array64, Array64, Array64];
  const got = attentionGradientReference(q, k, v, dy, rule);
  for (const [name, x] of Object.entries({ q, k, v })) {
    const want = centralDifferences(() => dot(attentionReference(q, k, v, rule).data, dy.data), x);
    expectClose(got[name as 'q'].data, want, { rtol: 1e-6, atol: 1e-8 }, name);
  }
});

describe.skipIf(note !== '')(`WGSL kernels${note}`, () => {
  it('replace composites that the other backends have under the same names', () => {
    for (const { kernelName } of WEBGPU_KERNELS) expect(tf.getKernel(kernelName, 'wasm'), kernelName).toBeDefined();
  });

  it.each([127, 128, 129, 300])('norms of rows of %i', async (C) => {
    const random = new Random(C);
    const [x, w, b] = [randomArray([2, C], random), randomArray([C], random), randomArray([C], random)];
    await checkOp(
      {
        inputs: { x, w },
        engine: ({ x, w }) => rmsNorm(x as tf.Tensor2D, w!, 1e-5),
        reference: ({ x, w }) => rmsNormReference(x!, w!, 1e-5),
      },
      RTOL,
    );
    await checkOp(
      {
        inputs: { x, w, b },
        engine: ({ x, w, b }) => layerNorm(x as tf.Tensor2D, w!, b!, 1e-5),
        reference: ({ x, w, b }) => layerNormReference(x!, w!, b!, 1e-5),
      },
      RTOL,
    );
  });

  it('a norm of more rows than one row of the grid has workgroups', async () => {
    const [x, w] = [randomArray([65_537, 2], new Random(1)), randomArray([2], new Random(2))];
    await checkOp(
      {
        inputs: { x, w },
        engine: ({ x, w }) => rmsNorm(x as tf.Tensor2D, w!, 1e-5),
        reference: ({ x, w }) => rmsNormReference(x!, w!, 1e-5),
      },
      RTOL,
      { gradients: false },
    );
  });

  it.each([
    ['more elements than a workgroup has lanes', randomArray([3, 111], new Random(3), 3)],
    ['values far from zero', array64([1, 6], Float64Array.of(-200, -100, -50, 50, 100, 200))],
  ])('gates of %s', async (_, gate) => {
    const up = randomArray(gate.shape, new Random(4));
    await checkOp(
      { inputs: { x: gate }, engine: ({ x }) => gelu(x as tf.Tensor2D), reference: ({ x }) => geluReference(x!) },
      RTOL,
    );
    await checkOp(
      {
        inputs: { gate, up },
        engine: ({ gate, up }) => swiglu(gate as tf.Tensor2D, up as tf.Tensor2D),
        reference: ({ gate, up }) => swigluReference(gate!, up!),
      },
      RTOL,
    );
  });

  it.each([
    [1, 2, 1, 33, 33, 32],
    [2, 2, 2, 17, 50, 70],
  ])('attention over several tiles, B %i H %i K %i T %i S %i D %i', (...sizes) =>
    checkOp(attentionCase(...sizes), RTOL, { gradients: false }),
  );

  const rows: RowsCase[] = [
    { lengths: [70, 3, 33], heads: 2, kvHeads: 1, D: 32, rotary: true },
    { lengths: [40, 81], heads: 2, kvHeads: 2, D: 36, window: 35 },
    { lengths: [50], heads: 1, kvHeads: 1, D: 33, cap: 1, window: 20 },
  ];
  it.each(rows)('attention over rows $lengths, several tiles of heads of $D, window $window, cap $cap', (sizes) =>
    checkOp(rowsAttentionCase(sizes), RTOL),
  );

  it('cross-entropy of a vocabulary wider than a workgroup, with large logits, in chunks of two rows', async () => {
    const [M, C, V] = [5, 3, 301];
    const [h, w, labels] = [
      randomArray([M, C], new Random(7), 9),
      randomArray([V, C], new Random(8), 3),
      randomIds(M, V, 9),
    ];
    const engine = (inputs: Record<string, tf.Tensor>) =>
      linearCrossEntropy(inputs['h'] as tf.Tensor2D, { name: 'w', value: inputs['w']! }, tf.tensor1d(labels, 'int32'), {
        gradients: true,
        trainW: true,
        chunkLogits: 2 * V,
      });
    await checkOp(
      {
        inputs: { h, w },
        engine,
        reference: ({ h, w }) => array64([], Float64Array.of(linearCrossEntropyReference(h!, w!, labels))),
      },
      RTOL,
    );
  });

  it.each([
    ['more tokens than one span', 300, 2, 3, 2],
    ['sums longer than one tile', 3, 130, 5, 3],
  ])("LoRA's products of %s", async (_, N, inner, out, rank) => {
    const random = new Random(N);
    const [x, y, A, B] = [
      [N, inner],
      [N, out],
      [rank, inner],
      [out, rank],
    ].map((shape) => randomArray(shape, random)) as [Array64, Array64, Array64, Array64];
    const engine = ({ x, y, A, B }: Record<string, tf.Tensor>) =>
      loraLinear(x as tf.Tensor2D, y as tf.Tensor2D, A as tf.Tensor2D, B as tf.Tensor2D, 2);
    await checkOp(
      { inputs: { x, y, A, B }, engine, reference: ({ x, y, A, B }) => loraLinearReference(x!, y!, A!, B!, 2) },
      RTOL,
    );
  });

  it.each([1, 257, 140_000])('the norm of a vector of %i and another of 3', async (size) => {
    const [x, y] = [randomArray([size], new Random(size)), randomArray([3], new Random(1))];
    const tensors = [toTensor(x), toTensor(y)];
    await expectTensor(
      globalNorm(tensors),
      Float64Array.of(Math.sqrt(dot(x.data, x.data) + dot(y.data, y.data))),
      1e-5,
      'norm',
    );
    tf.dispose(tensors);
  });

  it('rotary positions of more pairs than a workgroup has lanes', async () => {
    const angles = randomArray([5, 13], new Random(4), 4);
    const table = (f: (angle: number) => number): tf.Tensor2D =>
      toTensor(array64(angles.shape, angles.data.map(f))) as tf.Tensor2D;
    await checkOp(
      {
        inputs: { x: randomArray([2, 3, 5, 26], new Random(5)) },
        engine: ({ x }) => rotary(x as tf.Tensor4D, table(Math.cos), table(Math.sin)),
        reference: ({ x }) => rotaryReference(x!, angles),
      },
      RTOL,
      { gradients: false },
    );
  });
});
