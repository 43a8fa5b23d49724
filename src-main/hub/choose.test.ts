import { expect, it } from 'vitest';
import { chooseFiles } from './choose.ts';

function chosen(names: string[], gguf?: string) {
  const { kind, files } = chooseFiles(
    'o/n',
    names.map((name, i) => ({ name, sizeBytes: i })),
    gguf,
  );
  return [kind, ...files.map(({ name }) => name).sort()];
}

const TEXTS = ['LICENSE', 'README.md'];

it('a model: configuration, tokenizer and safetensors, no code, no second form of the weights', () => {
  const names = ['config.json', 'tokenizer.json', 'modeling_x.py', 'model.safetensors', 'pytorch_model.bin'];
  expect(chosen([...TEXTS, ...names, 'consolidated.00.pth', 'model.fp16.safetensors', '.gitattributes'])).toEqual([
    'model',
    'LICENSE',
    'README.md',
    'config.json',
    'model.safetensors',
    'tokenizer.json',
  ]);
});

it('shards with their index; pickles only where there is nothing else', () => {
  const shards = ['model-00001-of-00002.safetensors', 'model-00002-of-00002.safetensors'];
  expect(chosen(['config.json', 'model.safetensors.index.json', ...shards])).toHaveLength(5);
  expect(chosen(['config.json', 'pytorch_model.bin'])).toEqual(['model', 'config.json', 'pytorch_model.bin']);
  expect(() => chosen(['config.json', 'model.safetensors.index.json', shards[0]!])).toThrow(/1 shard of 2/);
});

it('an adapter, also beside the configuration of its base', () => {
  const adapter = ['adapter_config.json', 'adapter_model.safetensors'];
  expect(chosen([...adapter, 'optimizer.pt', 'config.json'])).toEqual(['adapter', ...adapter]);
  expect(chosen(['adapter_config.json', 'adapter_model.bin'])[0]).toBe('adapter');
});

it('one GGUF file, with the licence', () => {
  const names = ['README.md', 'm.Q4_0.gguf', 'm.Q8_0.gguf'];
  expect(chosen(names, 'm.Q8_0.gguf')).toEqual(['gguf', 'README.md', 'm.Q8_0.gguf']);
  expect(() => chosen(names, 'm.gguf')).toThrow(/has no file m.gguf, but m.Q4_0.gguf, m.Q8_0.gguf/);
  expect(() => chosen(names)).toThrow(/no weights that Graft reads .* name one of them: hf:o\/n\/m.Q4_0.gguf/);
});
