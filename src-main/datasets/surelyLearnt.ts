/** Whether something can be learnt of a row, as far as that is certain without its tokens. */
import type { Example } from '../../src-shared/datasets.ts';
import { MARK } from './textMarks.ts';
import type { TextTokenizer } from './tokenizer.ts';

/** NFC makes up to three times as many bytes of a text in UTF-8 (Unicode's FAQ on normalisation), or far fewer. */
const GROWS = 3;
const SHRINKS = 8;

/**
 * True: its tokens hold a label within `maxLength`, and nothing else is wrong with it. A text of bytes has a token at
 * least and no more than it has bytes, so a prompt that is shorter leaves room for the answer. False: its tokens tell.
 */
export function isSurelyLearnt(
  { segments, good = true }: Example,
  { byteBounds, eosTexts }: Pick<TextTokenizer, 'byteBounds' | 'eosTexts'>,
  maxLength: number,
): boolean {
  if (!segments || !good || !byteBounds || segments.some(({ text }) => text.includes(MARK))) return false;
  const { longest, normalises, before } = byteBounds;
  const [first, second] = segments;
  if (!first || segments.length > 2) return false;
  const bytes = Buffer.byteLength(first.text);
  const changes = normalises && bytes > first.text.length;
  if (second) {
    const isAnswered = !first.loss && second.loss && first.text !== '' && second.text.trim() !== '';
    return isAnswered && before + (changes ? GROWS : 1) * bytes < maxLength;
  }
  // EOS that is written by hand is not repeated.
  if (!first.loss || eosTexts.some((eos) => first.text.includes(eos))) return false;
  return bytes > (changes ? SHRINKS : 1) * longest;
}
