import { expect, test } from 'vitest';
import { trainableParameters } from './parameters.ts';

// The numbers are those that PEFT's print_trainable_parameters() shows for these models at rank 8.
test.each([
  ['TinyLlama 1.1B, q and v', { layers: 22, hidden: 2048, heads: 32, kvHeads: 4, headDim: 64, intermediate: 5632 }, ['q', 'v'], 1_126_400],
  ['Llama 2 7B, q and v', { layers: 32, hidden: 4096, heads: 32, kvHeads: 32, headDim: 128, intermediate: 11_008 }, ['q', 'v'], 4_194_304],
  ['Llama 2 7B, all', { layers: 32, hidden: 4096, heads: 32, kvHeads: 32, headDim: 128, intermediate: 11_008 }, ['q', 'k', 'v', 'o', 'gate', 'up', 'down'], 19_988_480],
  ['GPT-2 small, c_attn', { layers: 12, hidden: 768, heads: 12, kvHeads: 12, headDim: 64, intermediate: 3072 }, ['qkv'], 294_912],
  ['Phi-3 mini, both fused matrices', { layers: 32, hidden: 3072, heads: 32, kvHeads: 32, headDim: 96, intermediate: 8192 }, ['qkv', 'gate_up'], 8_126_464],
  ['Pythia 70M, all', { layers: 6, hidden: 512, heads: 8, kvHeads: 8, headDim: 64, intermediate: 2048 }, ['qkv', 'o', 'fc', 'proj'], 393_216],
])('%s', (_name, shape, targets, want) => {
  expect(trainableParameters(8, targets, shape)).toBe(want);
});
