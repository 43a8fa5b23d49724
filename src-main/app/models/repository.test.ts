import { expect, it } from 'vitest';
import { refuseRepository } from './repository.ts';

const refusal = (text: string) => () => refuseRepository(text, () => []);

it.each(['Qwen/Qwen2.5-0.5B', 'hf:Qwen/Qwen2.5-0.5B', 'https://huggingface.co/Qwen/Qwen2.5-0.5B/tree/main'])(
  '%s names a repository',
  (text) =>
    expect(refusal(text)).toThrow(
      /^Qwen\/Qwen2\.5-0\.5B looks like .* repository on Hugging Face.*"graft pull hf:Qwen\/Qwen2\.5-0\.5B"/,
    ),
);

it.each(['/models/Qwen', './models/Qwen', '../models', '~/models', 'C:\\models\\Qwen', 'models/a/b', 'gpt2', ''])(
  '"%s" names a folder, or nothing',
  (text) => expect(refusal(text)).not.toThrow(),
);

it('a folder that is there is a folder, whatever it is called', () => expect(refusal('src-main/app')).not.toThrow());

it('says where it is, if it has been downloaded', () => {
  const cached = { name: 'Qwen/Qwen2.5-0.5B', path: '/cache/snapshots/1' };
  expect(() => refuseRepository('qwen/qwen2.5-0.5b', () => [cached])).toThrow(/already, so add that folder/);
});

it('a GGUF file that is not there is a file, whatever its path looks like', () => {
  expect(refusal('models/tiny.gguf')).not.toThrow();
  expect(refusal('owner/tiny/tiny-Q8_0.gguf')).toThrow(/hf:owner\/tiny\/tiny-Q8_0.gguf/);
});
