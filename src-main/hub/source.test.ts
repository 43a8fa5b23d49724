import { expect, it } from 'vitest';
import { isSafePath, readSource, sourceNamed, sourceText } from './source.ts';

it.each([
  ['hf:Qwen/Qwen2.5-0.5B', 'Qwen/Qwen2.5-0.5B', 'main', undefined],
  ['hf://Qwen/Qwen2.5-0.5B@v1.0', 'Qwen/Qwen2.5-0.5B', 'v1.0', undefined],
  [' openai-community/gpt2 ', 'openai-community/gpt2', 'main', undefined],
  ['hf:a/b@refs/pr/3', 'a/b', 'refs/pr/3', undefined],
  ['hf:a/b/c/m.Q4_K_M.gguf@main', 'a/b', 'main', 'c/m.Q4_K_M.gguf'],
  ['https://huggingface.co/Qwen/Qwen2.5-0.5B/tree/dev?x=1', 'Qwen/Qwen2.5-0.5B', 'dev', undefined],
  ['hf.co/a/b/blob/main/m.gguf', 'a/b', 'main', 'm.gguf'],
])('%s', (text, repository, revision, file) => {
  const source = readSource(text);
  expect(source).toEqual({ repository, revision, file });
  expect(readSource(sourceText(source))).toEqual(source);
});

it.each([
  'gpt2',
  'hf:a',
  'hf:../b',
  'hf:a/..',
  'hf:a--b/c',
  'hf:a/b@../../x',
  'hf:a/b@-x',
  'hf:a/b@main.lock',
  'hf:a/b/modeling.py',
  'hf:a/b/../c.gguf',
  'https://example.org/a/b',
  'https://huggingface.co/a/b/discussions/1',
  'hf:a/b@\u0000',
])('not %s', (text) => {
  expect(sourceNamed(text)).toBeUndefined();
  expect(() => readSource(text)).toThrow(/names no model on Hugging Face; write hf:OWNER\/NAME/);
});

it('paths that lead out of a folder, or are special on some system', () => {
  for (const name of [
    '../x',
    'a/../b',
    '/etc/passwd',
    'a\\b',
    'C:x',
    'a/',
    'a//b',
    '.',
    'x.',
    ' x',
    'a\u202Eb',
    'nul\0',
  ])
    expect(isSafePath(name), name).toBe(false);
  for (const name of ['config.json', '.gitattributes', 'onnx/model.onnx', 'ein Ölbild.md'])
    expect(isSafePath(name), name).toBe(true);
});
