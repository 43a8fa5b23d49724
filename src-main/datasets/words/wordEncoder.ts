/**
 * Text to token ids by words that have been seen before: what a BPE model makes of a word does not depend on the words
 * around it. Gives the ids of @huggingface/tokenizers, which still does the work for each new word, some fifty times as
 * fast; a tokenizer that splits or merges otherwise is left to the library.
 */
import type { Tokenizer } from '@huggingface/tokenizers';
import { isObject } from '../tokenizerFiles.ts';
import { AddedTexts } from './addedTexts.ts';
import { partsOf } from './libraryParts.ts';
import { afterDigits, isDigitsPattern, splitterOf, type Splitter } from './splitters.ts';
import { LONGEST_WORD, PairMerges } from './pairMerges.ts';
import { WordTable } from './wordTable.ts';

/** What of the library's parts is needed here; its own types keep them to themselves. */
interface Part {
  tokenizers?: (Part | null)[];
  config?: Record<string, unknown>;
  pattern?: unknown;
  add_prefix_space?: boolean;
  use_regex?: boolean;
  byte_encoder?: Record<number, string>;
}

interface Model {
  config: Record<string, unknown>;
  merges: readonly [string, string][];
  tokens_to_ids: Map<string, number>;
  unk_token_id: number | undefined;
  fuse_unk: boolean;
  encode(tokens: string[]): string[];
}

/** Where SentencePiece has spaces. */
const META_SPACE = '▁';
const META_UNIT = META_SPACE.charCodeAt(0);

/** Thrown inside where unknown characters next to each other become one token, which only the library knows to do. */
const FUSED = Symbol('unknown characters');

/** Ids of a text without anything around it; undefined where this tokenizer is left to the library. */
export function wordEncoder(library: Tokenizer): ((text: string) => number[]) | undefined {
  const model = library.model as unknown as Model | null;
  if (!model || !isObject(model.config) || model.config['type'] !== 'BPE') return undefined;
  const {
    end_of_word_suffix: suffix,
    continuing_subword_suffix: inner,
    continuing_subword_prefix: prefix,
  } = model.config;
  if ([suffix, inner, prefix].some((part) => part !== undefined && part !== null && part !== '')) return undefined;
  const { remove_space: removesSpace, do_lowercase_and_remove_accent: lowers } = partsOf(library);
  if (removesSpace || lowers) return undefined;
  const added = new AddedTexts(library);
  const encodeSection = sectionEncoder(library, model);
  return (text) => {
    const out: number[] = [];
    try {
      added.forEach(text, (section, index) => encodeSection(section, index, out), out);
      return out;
    } catch (error) {
      if (error !== FUSED) throw error;
      return library.encode(text, { add_special_tokens: false }).ids;
    }
  };
}

type SectionEncoder = (text: string, index: number, out: number[]) => void;

/** Encodes what is between added tokens, once it is normalised. */
function sectionEncoder(library: Tokenizer, model: Model): SectionEncoder {
  const table = new WordTable();
  const idsOf = tokenEncoder(library, model);
  const append = (text: string, start: number, end: number, asToken: (word: string) => string, out: number[]): void => {
    if (table.append(text, start, end, out)) return;
    const ids = idsOf(asToken(text.slice(start, end)));
    table.add(text, start, end, ids);
    for (const id of ids) out.push(id);
  };
  const byteLevel = byteLevelSplitter(library.pre_tokenizer as unknown as Part | null);
  if (byteLevel) {
    const { split, prefixSpace, asToken } = byteLevel;
    return (text, _index, out) => {
      const own = prefixSpace && !text.startsWith(' ') ? ` ${text}` : text;
      split(own, 0, own.length, (start, end) => append(own, start, end, asToken, out));
    };
  }
  const asItIs = (word: string): string => word;
  const mayCut = neverMergesOverSpaces(model);
  return (text, index, out) => {
    const words = library.pre_tokenizer ? library.pre_tokenizer(text, { section_index: index }) : [text];
    for (const word of words as string[]) {
      if (mayCut) beforeSpaces(word, (start, end) => append(word, start, end, asItIs, out));
      else append(word, 0, word.length, asItIs, out);
    }
  };
}

/** What the model makes of one word; the library is asked where a character is unknown or the word is very long. */
function tokenEncoder(library: Tokenizer, model: Model): (token: string) => ArrayLike<number> & Iterable<number> {
  const idOf = (piece: string): number | undefined => model.tokens_to_ids.get(piece);
  const pairs = PairMerges.of({ merges: model.merges, idOf });
  const takesWholeWords = model.config['ignore_merges'] === true;
  const units = new Int32Array(LONGEST_WORD);
  const { added_tokens_map: added } = partsOf(library);
  const byLibrary = (token: string): number[] => {
    const ids = model.encode([token]).map((piece) => added.get(piece)?.id ?? idOf(piece) ?? model.unk_token_id!);
    if (model.fuse_unk && ids.includes(model.unk_token_id!)) throw FUSED;
    return ids;
  };
  return (token) => {
    const whole = takesWholeWords ? idOf(token) : undefined;
    if (whole !== undefined) return [whole];
    if (!pairs || token.length > LONGEST_WORD) return byLibrary(token);
    let count = 0;
    for (const character of token) {
      const id = idOf(character);
      if (id === undefined) return byLibrary(token);
      units[count++] = id;
    }
    return units.subarray(0, pairs.merge(units, count));
  };
}

interface ByteLevelSplitter {
  split: Splitter;
  prefixSpace: boolean;
  asToken: (word: string) => string;
  /** Of each byte. */
  symbols: Record<number, string>;
}

/** Whether every byte of a text is part of a token, and nothing else is; of a tokenizer that has a wordEncoder. */
export function readsBytes(library: Tokenizer): boolean {
  const model = library.model as unknown as Model | null;
  const splitter = byteLevelSplitter(library.pre_tokenizer as unknown as Part | null);
  if (!model || !splitter || splitter.prefixSpace) return false;
  return Object.values(splitter.symbols).every((symbol) => model.tokens_to_ids.has(symbol));
}

/** How a byte-level tokenizer splits, where its pattern is one of those that are known here. */
function byteLevelSplitter(part: Part | null): ByteLevelSplitter | undefined {
  const parts = part?.tokenizers ?? [part];
  const last = parts.at(-1);
  if (!last?.byte_encoder || parts.length > 2) return undefined;
  const { byte_encoder: symbols } = last;
  const utf8 = new TextEncoder();
  const asToken = (word: string): string => Array.from(utf8.encode(word), (byte) => symbols[byte]).join('');
  const made = (split: Splitter, prefixSpace = false): ByteLevelSplitter => ({ split, prefixSpace, asToken, symbols });
  const [first] = parts;
  if (!first) return undefined;
  const own = last.use_regex && last.pattern instanceof RegExp ? splitterOf(last.pattern) : undefined;
  if (first === last) return own && made(own, last.add_prefix_space === true);
  if (last.add_prefix_space || !(first.pattern instanceof RegExp)) return undefined;
  if (last.use_regex) return own && isDigitsPattern(first.pattern) ? made(afterDigits(own)) : undefined;
  const split = splitterOf(first.pattern);
  const { behavior, invert } = first.config ?? {};
  const isolates = typeof behavior === 'string' && behavior.toLowerCase() === 'isolated' && invert !== true;
  return split && isolates ? made(split) : undefined;
}

/** Whether no token has a space after anything but spaces, so that a text may be cut before each of them. */
function neverMergesOverSpaces({ merges }: Model): boolean {
  return merges.every(([left, right]) => {
    const token = left + right;
    const spaces = /^▁*/.exec(token)![0].length;
    return !token.includes(META_SPACE, spaces);
  });
}

/** Calls `onWord` with each word together with the spaces before it. */
function beforeSpaces(text: string, onWord: (start: number, end: number) => void): void {
  let start = 0;
  for (let at = 1; at < text.length; at++) {
    if (text.charCodeAt(at) !== META_UNIT || text.charCodeAt(at - 1) === META_UNIT) continue;
    onWord(start, at);
    start = at;
  }
  if (start < text.length) onWord(start, text.length);
}
