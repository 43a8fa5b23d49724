/** An answer ends at a stop text, also at one that has special tokens, which no text shows. */
import { expect, it } from 'vitest';
import { loadTokenizer } from '../../datasets/tokenizer.ts';
import { temporaryFolder } from '../../../test-support/fixtures/folders.ts';
import { TINY_BOS, writeTinyTokenizer } from '../../../test-support/fixtures/tinyTokenizer.ts';
import { StreamedAnswer } from './streamedAnswer.ts';

/** Tokens are bytes; `<s>` stands for a special token that is no EOS. */
function answerOf(ids: number[], stop: string[]): { text: string; stopReason: string; tokens: number } {
  const dir = temporaryFolder();
  writeTinyTokenizer(dir);
  const answer = new StreamedAnswer(loadTokenizer(dir), [72], stop, { show: () => undefined, tell: () => undefined });
  for (const id of ids) if (!answer.isOver) answer.push(id);
  return answer.finish();
}

const bytes = (text: string): number[] => [...Buffer.from(text)];
const IDS = [...bytes('The cat.'), TINY_BOS, ...bytes('\nMore')];

it.each([
  ['a special token', ['<s>'], 'The cat.', 'stop', 9],
  ['one with text after it', ['<s>\n'], 'The cat.', 'stop', 10],
  ['one with text before it', ['.<s>'], 'The cat.', 'stop', 9],
  ['another text first', ['<s>', 'cat'], 'The ', 'stop', 7],
  ['what does not come', ['<s>x', '</s>', ''], 'The cat.\nMore', 'cancelled', 14],
])('%s', (_, stop, text, stopReason, tokens) => {
  expect(answerOf(IDS, stop)).toMatchObject({ text, stopReason, tokens });
});
