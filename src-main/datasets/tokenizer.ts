/**
 * Text to token ids and back, as the model's own files say. The work is done by @huggingface/tokenizers;
 * this file decides which special tokens frame a text, and knows nothing of rows or templates.
 */
import path from 'node:path';
import { Tokenizer } from '@huggingface/tokenizers';
import { GraftError } from '../../src-shared/errors.ts';
import { guardPatterns } from './guardedPattern.ts';
import { isMarked, withoutMarks } from './textMarks.ts';
import { broken, isObject, readTokenizerFiles } from './tokenizerFiles.ts';
import type { TokenizerFiles } from './tokenizerFiles.ts';
import { tokenizerProblem } from './tokenizerShape.ts';
import { byteBounds, type ByteBounds } from './words/byteBounds.ts';
import { wordEncoder } from './words/wordEncoder.ts';

export interface TextTokenizer {
  /**
   * Ids of `text`. `addSpecialTokens` (default true) frames it as the model does, e.g. with one BOS. Control tokens
   * that are marked (controlTokens.ts) are read as text.
   */
  encode(text: string, options?: { addSpecialTokens?: boolean }): number[];
  /** Ids of a text that goes on: a leading BOS as the model says, never a closing EOS. Use it for prompts. */
  encodePrompt(text: string): number[];
  /** Text of `ids`, exactly as written (no tidying of spaces). `skipSpecialTokens` defaults to true. */
  decode(ids: ArrayLike<number>, options?: { skipSpecialTokens?: boolean }): string;
  /** The beginning-of-sequence id that the model names, whether or not it frames texts with it. */
  bosId: number | undefined;
  eosId: number | undefined;
  /** Every id that ends a generation; chat models have several. */
  eosIds: number[];
  /** Every id that is no text: BOS, EOS, padding, turn markers. */
  specialIds: ReadonlySet<number>;
  /** Filler for batches: the pad token, else EOS, else 0. */
  padId: number;
  /** Texts of the special tokens, for chat templates. */
  specialText: { bos: string; eos: string; pad: string; unk: string };
  chatTemplate: string | undefined;
  /** Texts of all control tokens, the longest first, and of those that end a generation. */
  controlTexts: readonly string[];
  eosTexts: readonly string[];
  /** Of a tokenizer that reads texts as bytes; `before`: tokens that it puts in front of a prompt. */
  byteBounds?: (ByteBounds & { before: number }) | undefined;
  /** Largest id plus one; the model's embedding may have more rows. */
  vocabSize: number;
}

/** Throws GraftError TOKENIZER_MISSING when there is no tokenizer.json, TOKENIZER_BROKEN when it cannot be used. */
export function loadTokenizer(dir: string): TextTokenizer {
  const files = readTokenizerFiles(dir);
  const problem = tokenizerProblem(files.tokenizer);
  if (problem !== undefined) throw broken(dir, 'tokenizer.json', `it ${problem}`);
  let library: Tokenizer;
  let plain: (text: string) => number[];
  let frame: Frame;
  let bounds: ByteBounds | undefined;
  try {
    library = new Tokenizer(files.tokenizer, files.config);
    guardPatterns([library.normalizer, library.pre_tokenizer, library.decoder], path.join(dir, 'tokenizer.json'));
    const marked = markedEncoder(library, files);
    const byWords = wordEncoder(library);
    bounds = byWords && byteBounds(library, files.tokenizer['normalizer']);
    const encode = byWords ?? ((text) => library.encode(text, { add_special_tokens: false }).ids);
    plain = (text) => (isMarked(text) ? marked(text) : encode(text));
    frame = frameOf(library, plain, files);
  } catch (error) {
    if (error instanceof GraftError) throw error;
    throw broken(dir, 'tokenizer.json', whyBroken(error), error);
  }
  const ids = specialIds(library, files);
  const textsOf = (tokens: Iterable<number>): string[] =>
    [...tokens].map((id) => library.id_to_token(id) ?? '').filter((text) => text !== '');
  return {
    encode: (text, { addSpecialTokens = true } = {}) =>
      addSpecialTokens ? withFrame(plain(text), frame) : plain(text),
    encodePrompt: (text) => withFrame(plain(text), { before: frame.before, after: [] }),
    decode: (tokens, { skipSpecialTokens = true } = {}) =>
      decode(library, tokens, skipSpecialTokens ? ids.special : new Set()),
    bosId: ids.bosId,
    eosId: ids.eosId,
    eosIds: ids.eosIds,
    specialIds: ids.special,
    padId: ids.padId ?? ids.eosId ?? 0,
    specialText: {
      bos: files.special('bos_token') ?? '',
      eos: files.special('eos_token') ?? '',
      pad: files.special('pad_token') ?? '',
      unk: files.special('unk_token') ?? '',
    },
    chatTemplate: files.chatTemplate,
    controlTexts: textsOf(ids.special).sort((a, b) => b.length - a.length),
    eosTexts: textsOf(ids.eosIds),
    byteBounds: bounds && { ...bounds, before: frame.before.length },
    vocabSize: largest(library.get_vocab().values()) + 1,
  };
}

/** The library's own sentence; an error of JavaScript itself only says that something was not where it looked. */
function whyBroken(error: unknown): string {
  const own = error instanceof Error && error.constructor === Error;
  return own ? error.message.replace(/\.$/, '') : 'its parts do not have the form of a tokenizer';
}

/**
 * Encodes texts in which some control tokens are marked: those are text. A second tokenizer with the same model does
 * it, which knows the others under names that no text has; it is made where it is needed first.
 */
function markedEncoder(library: Tokenizer, files: TokenizerFiles): (text: string) => number[] {
  let made: { tokenizer: Tokenizer; names: Map<string, string> } | undefined;
  return (text) => {
    made ??= makeLiteral(library, files);
    const { tokenizer, names } = made;
    let renamed = text;
    for (const [control, name] of names) renamed = renamed.replaceAll(control, () => name);
    return tokenizer.encode(withoutMarks(renamed), { add_special_tokens: false }).ids;
  };
}

/** Opens and closes the name of a control token; a code point that Unicode keeps out of texts. */
const NAME_EDGE = '\uFDD1';

function makeLiteral(library: Tokenizer, files: TokenizerFiles): { tokenizer: Tokenizer; names: Map<string, string> } {
  const { special } = specialIds(library, files);
  const added = (files.tokenizer['added_tokens'] as unknown[]).filter(isObject);
  const missing = [...special].filter((id) => !added.some((token) => Number(token['id']) === id));
  const tokens = [...added, ...missing.map((id) => ({ id, content: library.id_to_token(id), special: true }))];
  const names = new Map<string, string>();
  const renamed = tokens.map((token): Record<string, unknown> => {
    const id = Number(token['id']);
    const content = String(token['content']);
    if (!special.has(id)) return token;
    const name = `${NAME_EDGE}${id}${NAME_EDGE}`;
    names.set(content, name);
    // Its text is no text to be normalised.
    return { ...token, content: name, normalized: false };
  });
  const tokenizer = new Tokenizer(
    { ...files.tokenizer, added_tokens: renamed, model: { type: 'BPE', vocab: {}, merges: [] }, post_processor: null },
    files.config,
  );
  // The same parts, with the guards around their patterns.
  tokenizer.normalizer = library.normalizer;
  tokenizer.pre_tokenizer = library.pre_tokenizer;
  tokenizer.model = library.model;
  for (const [content, name] of names) {
    const id = library.token_to_id(content);
    if (id !== undefined) library.model?.tokens_to_ids.set(name, id);
  }
  return { tokenizer, names: new Map([...names].sort(([a], [b]) => b.length - a.length)) };
}

/** The ids a model puts before and after every text. */
interface Frame {
  before: number[];
  after: number[];
}

/**
 * The post-processor says what frames a text; `add_bos_token` and `add_eos_token` in tokenizer_config.json overrule
 * it, as they do in transformers' Llama tokenizer.
 */
function frameOf(library: Tokenizer, plain: (text: string) => number[], files: TokenizerFiles): Frame {
  const bare = plain('a');
  const framed = library.encode('a', { add_special_tokens: true }).ids;
  const extra = framed.length - bare.length;
  let start = 0;
  while (start < extra && !bare.every((id, i) => framed[start + i] === id)) start++;
  const frame = { before: framed.slice(0, start), after: framed.slice(start + bare.length) };
  const choose = (flag: string, role: string, current: number[]): number[] => {
    const wanted = files.config[flag];
    const id = roleId(library, files, role);
    if (typeof wanted !== 'boolean' || id === undefined) return current;
    if (wanted) return current.includes(id) ? current : [id, ...current];
    return current.filter((other) => other !== id);
  };
  return {
    before: choose('add_bos_token', 'bos_token', frame.before),
    after: choose('add_eos_token', 'eos_token', frame.after),
  };
}

/** A text that already begins with the model's BOS, or ends with its EOS, does not get a second one. */
function withFrame(ids: number[], { before, after }: Frame): number[] {
  const begun = before.every((id, i) => ids[i] === id);
  const ended = after.every((id, i) => ids[ids.length - after.length + i] === id);
  return [...(begun ? [] : before), ...ids, ...(ended ? [] : after)];
}

function decode(library: Tokenizer, tokens: ArrayLike<number>, skipped: ReadonlySet<number>): string {
  const kept = Array.from(tokens).filter((id) => !skipped.has(id));
  // GPT-2's config asks for tidied spaces ("way ." -> "way."), which would change the text.
  return kept.length === 0 ? '' : library.decode(kept, { clean_up_tokenization_spaces: false });
}

function largest(values: Iterable<number>): number {
  let most = -1;
  for (const value of values) most = Math.max(most, value);
  return most;
}

function roleId(library: Tokenizer, files: TokenizerFiles, role: string): number | undefined {
  const text = files.special(role);
  const id = text === undefined ? undefined : library.token_to_id(text);
  return id ?? files.configuredIds(`${role}_id`)[0];
}

function specialIds(library: Tokenizer, files: TokenizerFiles) {
  const bosId = roleId(library, files, 'bos_token');
  const eosId = roleId(library, files, 'eos_token');
  const padId = roleId(library, files, 'pad_token');
  const eosIds = [...new Set([...(eosId === undefined ? [] : [eosId]), ...files.configuredIds('eos_token_id')])];
  const added = (files.tokenizer['added_tokens'] as unknown[]).filter(isObject);
  const marked = added.filter((token) => token['special'] === true).map((token) => Number(token['id']));
  const named = [bosId, eosId, padId].filter((id) => id !== undefined);
  return { bosId, eosId, padId, eosIds, special: new Set([...marked, ...named, ...eosIds]) };
}
