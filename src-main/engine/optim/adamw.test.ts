import * as tf from '@tensorflow/tfjs-core';
import { beforeAll, describe, expect, it } from 'vitest';
import { bootOrNote } from '../../../test-support/checks/engineSkip.ts';
import { expectClose } from '../../../test-support/checks/expectClose.ts';
import { bootBackend } from '../backends/backends.ts';
import type { Parameter } from '../model/parameters.ts';
import { Random } from '../../../src-shared/random.ts';
import { AdamW } from './adamw.ts';
import { rulesFor, type Rule } from './rules.ts';

const OPTIONS = { beta1: 0.9, beta2: 0.99, eps: 1e-3, weightDecay: 0.1 };
const LR = [0, 0.1, 0.05, 0.2, 0.01];

/** Algorithm 2 of Loshchilov & Hutter in float64, one element after the other, with the decay decoupled. */
function reference(
  start: Float32Array,
  gradients: Float32Array[],
  scale: number,
  { lrScale, decay }: Rule = { lrScale: 1, decay: true },
): number[] {
  const weightDecay = decay ? OPTIONS.weightDecay : 0;
  return Array.from(start, (first, i) => {
    let [p, m, v] = [first, 0, 0];
    gradients.forEach((g, step) => {
      const gradient = g[i]! * scale;
      m = OPTIONS.beta1 * m + (1 - OPTIONS.beta1) * gradient;
      v = OPTIONS.beta2 * v + (1 - OPTIONS.beta2) * gradient ** 2;
      const mHat = m / (1 - OPTIONS.beta1 ** (step + 1));
      const vHat = v / (1 - OPTIONS.beta2 ** (step + 1));
      const lr = LR[step]! * lrScale;
      p = p - lr * weightDecay * p - (lr * mHat) / (Math.sqrt(vHat) + OPTIONS.eps);
    });
    return p;
  });
}

const webgpuNote = await bootOrNote('webgpu');

describe.each([
  ['tensorflow', '', 1e-5],
  ['webgpu', webgpuNote, 1e-4],
] as const)('on %s%s', (engine, note, rtol) => {
  if (note !== '') return it.skip('without a graphics driver');
  beforeAll(async () => void (await bootBackend(engine)));

  it('agrees with a float64 loop, for several parameters, and keeps no tensors', async () => {
    const random = new Random(1);
    const shapes = [[3, 5], [(1 << 18) + 7], [300], [1]]; // one larger than what the processor takes at a time
    const starts = shapes.map((shape) => random.normal(shape.reduce((a, b) => a * b)));
    const gradients = LR.map(() => shapes.map((shape) => random.normal(shape.reduce((a, b) => a * b))));
    const before = tf.memory().numTensors;
    const parameters: Parameter[] = shapes.map((shape, i) => ({ name: `p${i}`, value: tf.tensor(starts[i]!, shape) }));
    const optimizer = new AdamW(parameters, OPTIONS);
    const held = tf.memory().numTensors;
    for (const [step, lr] of LR.entries()) {
      const tensors = shapes.map((shape, i) => tf.tensor(gradients[step]![i]!, shape));
      const scale = tf.scalar(0.5);
      const flat = optimizer.flatten(tensors);
      optimizer.step(flat, lr, scale);
      tf.dispose([...flat, scale]);
      expect(tf.memory().numTensors).toBe(held);
    }
    expect(optimizer.t).toBe(5);
    for (const [i, { value }] of parameters.entries()) {
      const want = reference(
        starts[i]!,
        gradients.map((all) => all[i]!),
        0.5,
      );
      expectClose(await value.data(), want, { rtol, atol: rtol / 10 }, `p${i}`);
    }
    optimizer.dispose();
    tf.dispose(parameters.map(({ value }) => value));
    expect(tf.memory().numTensors).toBe(before);
  });

  it('follows a rule per parameter, whatever their order', async () => {
    const random = new Random(2);
    const shapes = [[4], [3, 2], [5], [2, 2], [6, 1], [1]];
    const faster = new Set(['p3', 'p5']);
    const starts = shapes.map((shape) => random.normal(shape.reduce((a, b) => a * b)));
    const gradients = LR.map(() => shapes.map((shape) => random.normal(shape.reduce((a, b) => a * b))));
    const parameters: Parameter[] = shapes.map((shape, i) => ({ name: `p${i}`, value: tf.tensor(starts[i]!, shape) }));
    const lrScaleOf = ({ name }: Parameter): number => (faster.has(name) ? 16 : 1);
    const optimizer = new AdamW(parameters, { ...OPTIONS, ruleOf: rulesFor('matrices', lrScaleOf) });
    for (const [step, lr] of LR.entries()) {
      const flat = optimizer.flatten(shapes.map((shape, i) => tf.tensor(gradients[step]![i]!, shape)));
      expect(flat.map(({ size }) => size)).toEqual([4 + 5, 6 + 6, 4, 1]);
      optimizer.step(flat, lr, tf.scalar(1));
      tf.dispose(flat);
    }
    for (const [i, { name, value }] of parameters.entries()) {
      const rule = { lrScale: faster.has(name) ? 16 : 1, decay: shapes[i]!.length === 2 };
      expectClose(
        await value.data(),
        reference(
          starts[i]!,
          gradients.map((all) => all[i]!),
          1,
          rule,
        ),
        { rtol, atol: rtol / 10 },
        name,
      );
    }
    expect(optimizer.moments().map(({ name, value }) => `${name} ${value.shape.join('x')}`)).toContain('p2.v 5');
    expect(rulesFor('all', lrScaleOf)(parameters[0]!)).toEqual({ lrScale: 1, decay: true });
    optimizer.dispose();
  });

  it('goes on from its moments as if it had never stopped', async () => {
    const run = async (steps: (optimizer: AdamW, value: Parameter[]) => AdamW): Promise<Float32Array[]> => {
      const parameters: Parameter[] = [
        { name: 'a', value: tf.tensor2d([1, -2, 3, 4], [2, 2]) },
        { name: 'b', value: tf.tensor1d([0.5]) },
      ];
      const optimizer = steps(new AdamW(parameters, OPTIONS), parameters);
      const values = (await Promise.all(parameters.map(({ value }) => value.data()))) as Float32Array[];
      optimizer.dispose();
      tf.dispose(parameters.map(({ value }) => value));
      return values;
    };
    const step = (optimizer: AdamW, slope: number): void => {
      const flat = optimizer.flatten([tf.tensor2d([slope, 1, 2, 3], [2, 2]), tf.tensor1d([-slope])]);
      optimizer.step(flat, 0.1, tf.scalar(1));
      tf.dispose(flat);
    };
    const straight = await run((optimizer) => {
      step(optimizer, 1);
      step(optimizer, 5);
      return optimizer;
    });
    const resumed = await run((first, parameters) => {
      step(first, 1);
      const saved = new Map(first.moments().map(({ name, value }) => [name, value]));
      expect([...saved].map(([name, value]) => [name, value.shape])).toEqual([
        ['a.m', [2, 2]],
        ['a.v', [2, 2]],
        ['b.m', [1]],
        ['b.v', [1]],
      ]);
      first.dispose();
      const second = new AdamW(parameters, OPTIONS);
      second.restoreMoments((name) => saved.get(name)!);
      second.t = 1;
      step(second, 5);
      return second;
    });
    expect(resumed.map((values) => [...values])).toEqual(straight.map((values) => [...values]));
  });

  it('without decay a parameter without gradient stays as it is', async () => {
    const parameter: Parameter = { name: 'p', value: tf.tensor1d([1, -2]) };
    const optimizer = new AdamW([parameter], { ...OPTIONS, weightDecay: 0 });
    optimizer.step(optimizer.flatten([tf.zeros([2])]), 0.1, tf.scalar(1));
    expect([...(await parameter.value.data())]).toEqual([1, -2]);
  });
});
