/** Each row of the table, judged by llama.cpp: it splits as the tokenizer library does, or differs as the note says. */
import { expect, it } from 'vitest';
import { TINY_LLAMA } from '../../../test-support/fixtures/tinyModel.ts';
import { writeByteLevel } from '../../../test-support/fixtures/trainedTokenizers.ts';
import { vectorTexts } from '../../../test-support/fixtures/vectorTexts.ts';
import { differences, llamaTokenizer } from '../../../test-support/checks/llamaTokenizer.ts';
import { loadTokenizer } from '../../datasets/tokenizer.ts';
import { PRE_TOKENIZERS } from './pre.ts';
import { ggufTokenizer } from './toGguf.ts';

const byteLevel = (more: object = {}): object => ({ type: 'ByteLevel', add_prefix_space: false, ...more });

/** The parts of a tokenizer.json that split in these steps. */
function partsOf(steps: readonly string[]): object {
  const own = steps.filter((step) => step !== 'gpt-2 pattern');
  const splits = own.map((step) =>
    step === '\\p{N}'
      ? { type: 'Digits', individual_digits: true }
      : { type: 'Split', pattern: { Regex: step }, behavior: 'Isolated', invert: false },
  );
  return { type: 'Sequence', pretokenizers: [...splits, byteLevel({ use_regex: own.length < steps.length })] };
}

it.each(PRE_TOKENIZERS)('$name', async ({ name, steps, ignoreMerges = false, note }) => {
  const texts = vectorTexts(['<|end|>']);
  const dir = writeByteLevel(texts, { pre_tokenizer: partsOf(steps) }, { ignore_merges: ignoreMerges });
  const ours = loadTokenizer(dir);
  const { metadata, notes } = ggufTokenizer(dir, { ...TINY_LLAMA, vocab_size: ours.vocabSize });
  expect(metadata.get('tokenizer.ggml.pre')?.value).toBe(name);
  expect(notes).toEqual(note === undefined ? [] : [note]);
  const theirs = await llamaTokenizer(metadata);
  const different = differences(texts, ours, theirs);
  await theirs.dispose();
  expect(texts.length).toBeGreaterThanOrEqual(200);
  const marked = different.filter(({ text }) => /\p{M}/u.test(text));
  expect(different).toEqual(note === undefined ? [] : marked);
  expect(marked.length > 0).toBe(note !== undefined);
});
