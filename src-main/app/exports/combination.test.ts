import { expect, it } from 'vitest';
import { quantisationsOf, refuseCombination } from './combination.ts';
import type { ExportRequest } from './request.ts';

const two = [
  { adapterDir: '/a', scale: 1 },
  { adapterDir: '/b', scale: 1 },
];

it.each<[string, Partial<ExportRequest>, RegExp]>([
  ['types of a folder', { format: 'hf', quantise: ['Q8_0'] }, /hf has no quantised weights/],
  ['types of an adapter', { format: 'lora-gguf', quantise: ['Q8_0'] }, /lora-gguf has no quantised weights/],
  ['a dtype of a GGUF', { format: 'gguf', dtype: 'f16' }, /names its types as quantisations/],
  ['a dtype of an adapter', { format: 'mlx', dtype: 'f16' }, /keeps the type of its weights/],
  ['shards of a GGUF', { format: 'gguf', maxShardBytes: 1e9 }, /not split into shards; only hf is/],
  ['several adapters in one', { format: 'lora-gguf', tasks: two }, /holds one adapter as it was trained/],
  ['a scaled adapter by itself', { format: 'peft', tasks: [{ adapterDir: '/a', scale: 2 }] }, /holds one adapter/],
  ['a model as an adapter', { format: 'mlx', tasks: [] }, /mlx holds an adapter, and a whole model has none/],
  ['a model as the folder it is', { format: 'hf', tasks: [] }, /hf is what a whole model is already; .*--dtype/],
  ['two types in one file', { outDir: '/x.gguf', quantise: ['F16', 'Q8_0'] }, /one file of one type.*F16, Q8_0/],
  ['two types in one Modelfile', { format: 'ollama', quantise: ['F16', 'Q8_0'] }, /choose one quantisation/],
  ['a folder called as a file', { format: 'ollama', outDir: '/x.gguf' }, /is a folder, but \/x.gguf has the name/],
])('refuses %s', (_, changes, sentence) => {
  const request = { format: 'gguf' as const, outDir: '/x', ...changes };
  expect(() => refuseCombination(request)).toThrow(sentence);
  expect(() => refuseCombination(request)).toThrow(expect.objectContaining({ kind: 'usage' }));
});

it.each<[string, Partial<ExportRequest>]>([
  ['several types in a folder', { quantise: ['F16', 'Q8_0'] }],
  ['a file of one type', { outDir: '/x.gguf', quantise: ['F16'] }],
  ['an adapter as a file', { format: 'lora-gguf', outDir: '/x.GGUF' }],
  ['a model as it is', { format: 'ollama', tasks: [] }],
  ['a model in another type', { format: 'hf', tasks: [], dtype: 'f16' }],
  ['several adapters merged', { format: 'ollama', tasks: two }],
])('allows %s', (_, changes) => {
  expect(() => refuseCombination({ format: 'gguf', outDir: '/x', ...changes })).not.toThrow();
});

it('a GGUF is Q8_0 where nothing is said, each type once', () => {
  expect(quantisationsOf({ format: 'ollama' })).toEqual(['Q8_0']);
  expect(quantisationsOf({ format: 'gguf', quantise: ['F16', 'F16'] })).toEqual(['F16']);
  expect(quantisationsOf({ format: 'hf' })).toBeUndefined();
});
