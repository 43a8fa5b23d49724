/**
 * Our WGSL kernels at sizes that the small cases of testing/opsSuite.ts do not reach: rows wider than a workgroup,
 * more workgroups than one row of the grid holds, heads as wide as models have them.
 */
import * as tf from '@tensorflow/tfjs-core';
import { describe, expect, it } from 'vitest';
import { gelu } from '../../ops/gelu.ts';
import { layerNorm } from '../../ops/layerNorm.ts';
import { rmsNorm } from '../../ops/rmsNorm.ts';
import { rotary } from '../../ops/rotary.ts';
import { swiglu } from '../../ops/swiglu.ts';
import { Random } from '../../random.ts';
import { bootOrNote } from '../../../testing/engineSkip.ts';
import { checkOp, toTensor } from '../../../testing/opCase.ts';
import { geluReference, swigluReference } from '../../../testing/reference/activations.ts';
import { array64, randomArray } from '../../../testing/reference/array.ts';
import { rotaryReference } from '../../../testing/reference/attention.ts';
import { layerNormReference, rmsNormReference } from '../../../testing/reference/norms.ts';
import { WEBGPU_KERNELS } from './register.ts';

const RTOL = 1e-3;
const note = await bootOrNote('webgpu');

describe.skipIf(note !== '')(`WGSL kernels${note}`, () => {
  it('replace composites that the other backends have under the same names', () => {
    for (const name of Object.keys(WEBGPU_KERNELS)) expect(tf.getKernel(name, 'wasm'), name).toBeDefined();
  });

  it.each([127, 128, 129, 300])('norms of rows of %i', async (C) => {
    const random = new Random(C);
    const [x, w, b] = [randomArray([2, C], random), randomArray([C], random), randomArray([C], random)];
    await checkOp({ inputs: { x, w }, engine: ({ x, w }) => rmsNorm(x as tf.Tensor2D, w!, 1e-5), reference: ({ x, w }) => rmsNormReference(x!, w!, 1e-5) }, RTOL);
    await checkOp({ inputs: { x, w, b }, engine: ({ x, w, b }) => layerNorm(x as tf.Tensor2D, w!, b!, 1e-5), reference: ({ x, w, b }) => layerNormReference(x!, w!, b!, 1e-5) }, RTOL);
  });

  it('a norm of more rows than one row of the grid has workgroups', async () => {
    const [x, w] = [randomArray([65_537, 2], new Random(1)), randomArray([2], new Random(2))];
    await checkOp({ inputs: { x, w }, engine: ({ x, w }) => rmsNorm(x as tf.Tensor2D, w!, 1e-5), reference: ({ x, w }) => rmsNormReference(x!, w!, 1e-5) }, RTOL, { gradients: false });
  });

  it.each([
    ['more elements than a workgroup has lanes', randomArray([3, 111], new Random(3), 3)],
    ['values far from zero', array64([1, 6], Float64Array.of(-200, -100, -50, 50, 100, 200))],
  ])('gates of %s', async (_, gate) => {
    const up = randomArray(gate.shape, new Random(4));
    await checkOp({ inputs: { x: gate }, engine: ({ x }) => gelu(x as tf.Tensor2D), reference: ({ x }) => geluReference(x!) }, RTOL);
    await checkOp({ inputs: { gate, up }, engine: ({ gate, up }) => swiglu(gate as tf.Tensor2D, up as tf.Tensor2D), reference: ({ gate, up }) => swigluReference(gate!, up!) }, RTOL);
  });

  it('rotary positions of more pairs than a workgroup has lanes', async () => {
    const angles = randomArray([5, 13], new Random(4), 4);
    const table = (f: (angle: number) => number): tf.Tensor2D => toTensor(array64(angles.shape, angles.data.map(f))) as tf.Tensor2D;
    await checkOp({ inputs: { x: randomArray([2, 3, 5, 26], new Random(5)) }, engine: ({ x }) => rotary(x as tf.Tensor4D, table(Math.cos), table(Math.sin)), reference: ({ x }) => rotaryReference(x!, angles) }, RTOL);
  });
});
