import { expect, test } from 'vitest';
import { trainableParameters } from './parameters.ts';

// The numbers are those that PEFT's print_trainable_parameters() shows for these models at rank 8.
test.each([
  ['TinyLlama 1.1B, q and v', { family: 'llama', layers: 22, hidden: 2048, heads: 32, kvHeads: 4, headDim: 64, intermediate: 5632 }, ['q', 'v'], 1_126_400],
  ['Llama 2 7B, q and v', { family: 'llama', layers: 32, hidden: 4096, heads: 32, kvHeads: 32, headDim: 128, intermediate: 11_008 }, ['q', 'v'], 4_194_304],
  ['Llama 2 7B, all', { family: 'llama', layers: 32, hidden: 4096, heads: 32, kvHeads: 32, headDim: 128, intermediate: 11_008 }, ['q', 'k', 'v', 'o', 'gate', 'up', 'down'], 19_988_480],
  ['GPT-2 small, c_attn', { family: 'gpt2', layers: 12, hidden: 768, heads: 12, kvHeads: 12, headDim: 64, intermediate: 3072 }, ['qkv'], 294_912],
])('%s', (_name, shape, targets, want) => {
  expect(trainableParameters(8, targets, shape)).toBe(want);
});
