import { expect, it } from 'vitest';
import { hubRepositoryOf, modelNameOf } from './folderName.ts';

const CACHE = '/home/me/.cache/huggingface/hub/models--Qwen--Qwen2.5-0.5B/snapshots';
it.each([
  [`${CACHE}/0123abcd`, 'Qwen/Qwen2.5-0.5B', 'Qwen/Qwen2.5-0.5B'],
  [`${CACHE}/0123abcd/q/m.gguf`, 'm.gguf', 'Qwen/Qwen2.5-0.5B'],
  ['C:\\hub\\models--a--b--c\\snapshots\\1', 'a/b--c', 'a/b--c'],
  ['/models/SmolLM2-135M', 'SmolLM2-135M', undefined],
])('%s', (place, name, repository) => {
  if (!place.includes('\\') || process.platform === 'win32') expect(modelNameOf(place)).toBe(name);
  expect(hubRepositoryOf(place)).toBe(repository);
});
