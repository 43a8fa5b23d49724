/** Splitting, merging and encoding by words give what the library and its patterns give, on texts of every kind. */
import fs from 'node:fs';
import path from 'node:path';
import { Tokenizer } from '@huggingface/tokenizers';
import { describe, expect, it } from 'vitest';
import { hasShared, sharedPath, skipNote } from '../../../test-support/goldens/shared.ts';
import { Random } from '../../../src-shared/random.ts';
import { guardPatterns } from '../guardedPattern.ts';
import { afterDigits, splitterOf } from './splitters.ts';
import { wordEncoder } from './wordEncoder.ts';

const ENDINGS = "(?:'[sS]|'[tT]|'[rR][eE]|'[vV][eE]|'[mM]|'[lL][lL]|'[dD])";
const SPACES = '\\p{White_Space}*[\\r\\n]+|\\p{White_Space}+(?!\\P{White_Space})|\\p{White_Space}+';
const llama = (number: string): RegExp =>
  new RegExp(
    `${ENDINGS}|[^\\r\\n\\p{L}\\p{N}]?\\p{L}+|${number}| ?[^\\p{White_Space}\\p{L}\\p{N}]+[\\r\\n]*|${SPACES}`,
    'gu',
  );
const GPT2 =
  /'s|'t|'re|'ve|'m|'ll|'d| ?\p{L}+| ?\p{N}+| ?[^\p{White_Space}\p{L}\p{N}]+|\p{White_Space}+(?!\P{White_Space})|\p{White_Space}+/gu;

/** Pieces that patterns treat differently, put together at random. */
const PIECES = [
  ...["'s", "'S", "'re", "'LL", "'x", "'", 'the', 'É', 'ß', '日本', '한국', 'ǅ', 'ª', '12', '3', '१', '½', 'Ⅷ', '²'],
  ...[' ', '  ', '\t', '\n', '\r\n', '\u00a0', '\u0085', '\u2003', '\ufeff', '\u200b', '!', '...', '(', '"', '€', '́'],
  ...['😀', '👩‍👩‍👧', '𝒳', '𐌰', '𝟘', '\ud83d', '\udc00', '<s>', '</s>', '<|endoftext|>', '▁', 'Ġ', '_', 'a'.repeat(150)],
];

function randomText(random: Random): string {
  return Array.from({ length: random.integer(30) }, () => PIECES[random.integer(PIECES.length)]!).join('');
}

const splitBy = (split: NonNullable<ReturnType<typeof splitterOf>>, text: string): string[] => {
  const words: string[] = [];
  split(text, 0, text.length, (start, end) => words.push(text.slice(start, end)));
  return words;
};

describe('a known pattern as a loop', () => {
  it.each([
    ['GPT-2', GPT2],
    ['Llama 3', llama('\\p{N}{1,3}')],
    ['Qwen', llama('\\p{N}')],
  ])('%s', (_, pattern) => {
    const split = splitterOf(pattern)!;
    const random = new Random(5);
    for (let i = 0; i < 4000; i++) {
      const text = randomText(random);
      expect(splitBy(split, text), JSON.stringify(text)).toEqual(text.match(pattern) ?? []);
    }
  });

  it('after each digit is split off', () => {
    const split = afterDigits(splitterOf(GPT2)!);
    const random = new Random(6);
    for (let i = 0; i < 4000; i++) {
      const text = randomText(random);
      const wanted = (text.match(/[^\p{N}]+|\p{N}/gu) ?? []).flatMap((part) => part.match(GPT2) ?? []);
      expect(splitBy(split, text), JSON.stringify(text)).toEqual(wanted);
    }
  });
});

function libraryOf(dir: string, change: (json: Record<string, unknown>) => void = () => undefined): Tokenizer {
  const json = JSON.parse(fs.readFileSync(path.join(dir, 'tokenizer.json'), 'utf8')) as Record<string, unknown>;
  change(json);
  const whole = { normalizer: null, pre_tokenizer: null, post_processor: null, decoder: null, ...json };
  const library = new Tokenizer(whole, {});
  guardPatterns([library.normalizer, library.pre_tokenizer, library.decoder], 'tokenizer.json');
  return library;
}

const FOLDERS = ['data/gpt2_tokenizer', 'data/stories260k'];

describe.skipIf(!FOLDERS.every(hasShared))(`ids of the library${FOLDERS.map(skipNote).join('')}`, () => {
  const digits = (json: Record<string, unknown>): void => {
    const byteLevel = { type: 'ByteLevel', add_prefix_space: false, use_regex: true };
    json['pre_tokenizer'] = {
      type: 'Sequence',
      pretokenizers: [{ type: 'Digits', individual_digits: true }, byteLevel],
    };
  };
  const prefixed = (json: Record<string, unknown>): void => {
    json['pre_tokenizer'] = { type: 'ByteLevel', add_prefix_space: true, use_regex: true };
  };
  const stripping = (json: Record<string, unknown>): void => {
    const content = (id: number): string => ['<s>', '</s>'][id - 1] ?? '<unk>';
    json['added_tokens'] = [1, 2].map((id) => ({
      id,
      content: content(id),
      special: true,
      lstrip: id === 1,
      rstrip: id === 2,
    }));
  };
  it.each([
    ['GPT-2', FOLDERS[0]!, undefined],
    ['GPT-2 with single digits', FOLDERS[0]!, digits],
    ['GPT-2 with a space in front', FOLDERS[0]!, prefixed],
    ['SentencePiece with bytes for what is unknown', FOLDERS[1]!, undefined],
    ['SentencePiece with tokens that strip spaces', FOLDERS[1]!, stripping],
  ])('%s', (_, folder, change) => {
    const library = libraryOf(sharedPath(folder), change);
    const encode = wordEncoder(library)!;
    const random = new Random(7);
    for (let i = 0; i < 400; i++) {
      const text = randomText(random);
      const wanted = library.encode(text, { add_special_tokens: false }).ids;
      // Once to learn the words, once to find them.
      for (const time of [1, 2]) expect(encode(text), `${time}: ${JSON.stringify(text)}`).toEqual(wanted);
    }
  });
});
