/** What a model is called changes how llama.cpp reads its texts, as llama.cpp itself shows. */
import { expect, it } from 'vitest';
import { TINY_LLAMA } from '../../test-support/fixtures/tinyModel.ts';
import { writeByteLevel, writeSentencePiece } from '../../test-support/fixtures/trainedTokenizers.ts';
import { differences, llamaTokenizer } from '../../test-support/checks/llamaTokenizer.ts';
import { loadTokenizer } from '../datasets/tokenizer.ts';
import { string, type GgufMetadata } from './header.ts';
import { runtimeName } from './runtimeName.ts';
import { ggufTokenizer } from './tokenizer/toGguf.ts';

const TEXTS = ['a b', 'a<|end|> b', 'a<|end|>\n b <|assistant|>  c', '<|assistant|>a'];

const named = (metadata: GgufMetadata, name: string): GgufMetadata =>
  new Map([['general.name', string(name)], ...metadata]);

it('Phi-3 is told to llama.cpp by its name, for the white space beside control tokens', async () => {
  const control = ['<|end|>', '<|assistant|>'].map((content) => ({ content, special: true, rstrip: true }));
  const dir = writeSentencePiece(['a b c a b c'], {}, [...control, { content: '<|endoftext|>', special: true }]);
  const ours = loadTokenizer(dir);
  const config = { ...TINY_LLAMA, model_type: 'phi3', vocab_size: ours.vocabSize };
  const { metadata, notes } = ggufTokenizer(dir, config);
  expect(notes).toEqual([]);
  const name = runtimeName('mine', 'phi3', metadata.get('tokenizer.ggml.tokens')!.value as string[]);
  expect(name).toBe('mine (Phi-3)');
  const [plain, phi] = [await llamaTokenizer(named(metadata, 'mine')), await llamaTokenizer(named(metadata, name))];
  expect(differences(TEXTS, ours, phi)).toEqual([]);
  expect(differences(TEXTS, ours, plain).length).toBeGreaterThan(0);
  await phi.dispose();
  await plain.dispose();
  expect(ggufTokenizer(dir, { ...config, model_type: 'llama' }).notes).toEqual([
    expect.stringContaining('does not take the white space beside these control tokens along'),
  ]);
});

it('another model that is called so, which llama.cpp would not load, gets a space', async () => {
  const dir = writeByteLevel(['a b c a b c']);
  const { metadata } = ggufTokenizer(dir, { ...TINY_LLAMA, vocab_size: loadTokenizer(dir).vocabSize });
  const tokens = metadata.get('tokenizer.ggml.tokens')!.value as string[];
  await expect(llamaTokenizer(named(metadata, 'as good as Phi-3'))).rejects.toMatchObject({ code: 'LLAMACPP_REFUSED' });
  expect(runtimeName('as good as Phi-3', 'llama', tokens)).toBe('as good as Phi 3');
  const theirs = await llamaTokenizer(named(metadata, runtimeName('phi3-phi-3', 'phi3', tokens)));
  expect(theirs.tokenize('a b', true).length).toBeGreaterThan(0);
  await theirs.dispose();
});
