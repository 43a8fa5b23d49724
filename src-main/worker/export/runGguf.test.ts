/** What llama.cpp's tokenizer may do otherwise, and what it may not. */
import { expect, it } from 'vitest';
import { TINY_LLAMA } from '../../../test-support/fixtures/tinyModel.ts';
import { writeSentencePiece } from '../../../test-support/fixtures/trainedTokenizers.ts';
import { llamaTokenizer } from '../../../test-support/checks/llamaTokenizer.ts';
import { loadTokenizer } from '../../datasets/tokenizer.ts';
import { ggufTokenizer } from '../../gguf/tokenizer/toGguf.ts';
import { tokenProblems } from './runGguf.ts';

it('a text that llama.cpp splits otherwise fails, unless it is a user’s and the plan has said so', async () => {
  const metaspace = { type: 'Metaspace', replacement: '▁', prepend_scheme: 'first', split: false };
  const dir = writeSentencePiece(['a b c a b c </s> x y x y'], { normalizer: null, pre_tokenizer: metaspace });
  const ours = loadTokenizer(dir);
  const { metadata, notes } = ggufTokenizer(dir, { ...TINY_LLAMA, vocab_size: ours.vocabSize });
  expect(notes).not.toEqual([]);
  const theirs = await llamaTokenizer(metadata);
  const problemsOf = (fixed: string[], heldOut: string[], differencesKnown: boolean, endIds: number[] = []): unknown =>
    tokenProblems({ fixed, heldOut, differencesKnown }, ours, theirs, endIds);
  const [plain, afterControl] = ['a b c', 'a</s>b'];
  expect(problemsOf([plain], [plain], false)).toEqual({ texts: 2, equalTexts: 2, problems: [] });
  expect(problemsOf([plain], [afterControl], true)).toEqual({ texts: 2, equalTexts: 1, problems: [] });
  const problems = ['llama.cpp splits 1 texts into other tokens, as "a</s>b"'];
  expect(problemsOf([plain], [afterControl], false)).toEqual({ texts: 2, equalTexts: 1, problems });
  expect(problemsOf([afterControl], [plain], true)).toEqual({ texts: 2, equalTexts: 1, problems });
  const [end] = ours.encode('c', { addSpecialTokens: false }).slice(-1);
  expect(problemsOf([plain], [], false, [end!])).toMatchObject({ problems: ['llama.cpp does not end at c'] });
  await theirs.dispose();
});
