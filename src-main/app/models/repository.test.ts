import { expect, it } from 'vitest';
import { refuseRepository, repositoryNamed } from './repository.ts';

it.each([
  ['Qwen/Qwen2.5-0.5B', 'Qwen/Qwen2.5-0.5B'],
  [' openai-community/gpt2 ', 'openai-community/gpt2'],
  ['https://huggingface.co/Qwen/Qwen2.5-0.5B', 'Qwen/Qwen2.5-0.5B'],
  ['https://huggingface.co/Qwen/Qwen2.5-0.5B/tree/main', 'Qwen/Qwen2.5-0.5B'],
  ['hf.co/Qwen/Qwen2.5-0.5B?library=x', 'Qwen/Qwen2.5-0.5B'],
  ['/models/Qwen', undefined],
  ['./models/Qwen', undefined],
  ['../models', undefined],
  ['~/models', undefined],
  ['C:\\models\\Qwen', undefined],
  ['models/a/b', undefined],
  ['gpt2', undefined],
  ['', undefined],
])('"%s" names %s', (text, want) => expect(repositoryNamed(text)).toBe(want));

it('a folder that is there is a folder, whatever it is called', () =>
  expect(repositoryNamed('src-main/app')).toBeUndefined());

it('says how to get it, or where it is', () => {
  expect(() => refuseRepository('Qwen/Qwen2.5-0.5B', () => [])).toThrow(
    /repository on Hugging Face.*run "hf download Qwen\/Qwen2\.5-0\.5B --local-dir Qwen2\.5-0\.5B"/,
  );
  const cached = { name: 'Qwen/Qwen2.5-0.5B', dir: '/cache/snapshots/1', sizeBytes: 1, place: 'Hugging Face' as const };
  expect(() => refuseRepository('qwen/qwen2.5-0.5b', () => [cached])).toThrow(/already, so add that folder/);
});
