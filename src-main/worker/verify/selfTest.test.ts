/** The self-test agrees with an engine that is right, and notices one that is a little wrong. */
import * as tf from '@tensorflow/tfjs-core';
import { expect, it } from 'vitest';
import { relativeDifference, selfTest } from './selfTest.ts';

it('passes on wasm, which every machine has', async () => {
  const result = await selfTest('wasm');
  expect(result.checks.map(({ name }) => name)).toEqual([
    'Matrix product',
    'RMS norm',
    'Causal attention',
    'Cross-entropy',
    'Gradient of a LoRA layer',
  ]);
  expect(result.checks.filter(({ passed }) => !passed)).toEqual([]);
  expect(result.passed).toBe(true);
});

it('fails where products are off by a thousandth', async () => {
  const engine = tf.engine();
  const { runKernel } = engine;
  engine.runKernel = (name, ...rest) => {
    const result = runKernel.call(engine, name, ...rest) as tf.Tensor;
    return (
      name === 'BatchMatMul' ? runKernel.call(engine, 'Multiply', { a: result, b: tf.scalar(1.001) }, {}) : result
    ) as never;
  };
  try {
    const { checks, passed } = await selfTest('wasm');
    expect(passed).toBe(false);
    expect(checks[0]).toMatchObject({ passed: false });
  } finally {
    engine.runKernel = runKernel;
  }
});

it('counts NaN and another length as wrong', () => {
  expect(relativeDifference([NaN, 1], Float64Array.of(1, 1))).toBe(Infinity);
  expect(relativeDifference([1], Float64Array.of(1, 1))).toBe(Infinity);
  expect(relativeDifference([1, 1.5], Float64Array.of(1, 2))).toBe(0.25);
});
