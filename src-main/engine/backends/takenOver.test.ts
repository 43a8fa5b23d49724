/** Memory that a tensor takes over: no second copy of it while the tensor lives, none of it afterwards. */
import { setImmediate } from 'node:timers/promises';
import * as tf from '@tensorflow/tfjs-core';
import { beforeAll, expect, it } from 'vitest';
import { bootBackend } from './backends.ts';
import { release, tensorOfFilled, valuesToFill } from './takenOver.ts';

beforeAll(async () => void (await bootBackend('tensorflow')));

/** Sizes of GPT-2's and SmolLM's matrices, each of which may lie anywhere. */
it.each([768 * 2304, 576 * 576, 1 << 20, 70_000, 65_537])('a tensor of %i values lies where they lie', (count) => {
  const values = valuesToFill(count);
  expect(values).toHaveLength(count);
  values.fill(2);
  const tensor = tensorOfFilled(values, [count]);
  values[count - 1] = 3;
  expect(Array.from(tf.slice(tensor, [count - 2], [2]).dataSync())).toEqual([2, 3]);
  tensor.dispose();
});

it('zeros at first, and few values as any array', () => {
  expect(valuesToFill(70_000).every((value) => value === 0)).toBe(true);
  const tensor = tensorOfFilled(valuesToFill(6).fill(4), [2, 3]);
  expect(tf.sum(tensor).dataSync()[0]).toBe(24);
  tensor.dispose();
});

it('memory is free once a hundred megabytes of tensors are released', async () => {
  const held = (): number => process.memoryUsage().arrayBuffers;
  const before = held();
  const count = 2_500_000;
  const tensors = Array.from({ length: 10 }, () => tensorOfFilled(valuesToFill(count).fill(1), [count]));
  expect(held() - before).toBeGreaterThan(95e6);
  for (const tensor of tensors) release(tensor);
  for (let turn = 0; turn < 200 && held() - before > 30e6; turn++) await setImmediate();
  expect(held() - before).toBeLessThan(30e6);
});
