/** Counts against numbers worked out by hand for GPT-2-small: 12 blocks of 12·768^2 weights, 50,257 tokens. */
import { expect, it } from 'vitest';
import { architectureFromConfig } from '../../src-main/engine/model/architecture.ts';
import { decodingFlops, trainingFlops } from './flops.ts';
import { configOf } from './models.ts';

const spec = architectureFromConfig(configOf('gpt2'));
const LINEAR = 84_934_656;
const HEAD = 38_597_376;

it('a LoRA step computes frozen weights forth and back, trained ones also their gradient', () => {
  const attention = 3 * 12 * 4 * 2 * 128 ** 2 * 768;
  const lora = 3 * 2 * 512 * 1000;
  const flops = trainingFlops(spec, 'lora', { lengths: [128, 128, 128, 128], predicted: 508, trainable: 1000 });
  expect(flops).toBe(2 * 2 * 512 * LINEAR + 2 * 2 * 508 * HEAD + attention + lora);
});

it('full fine-tuning costs three products per weight', () => {
  const attention = 3 * 12 * 2 * 10 ** 2 * 768;
  const flops = trainingFlops(spec, 'full', { lengths: [10], predicted: 9, trainable: 0 });
  expect(flops).toBe(6 * 10 * LINEAR + 6 * 9 * HEAD + attention);
});

it('decoding reads every token but the last once, and the head only for what it writes', () => {
  const attention = 12 * 2 * 95 ** 2 * 768;
  const flops = decodingFlops(spec, { rows: 2, prompt: 32, count: 64, adapter: 10 });
  expect(flops).toBe(2 * (2 * 95 * LINEAR + 2 * 64 * HEAD + attention + 2 * 95 * 10));
});
