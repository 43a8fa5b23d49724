/**
 * The tokenizer in a GGUF file's metadata as the files of a Hugging Face folder: the same ids as llama.cpp gives
 * (src/llama-vocab.cpp), in the form that @huggingface/tokenizers reads.
 */
import { GraftError } from '../../../src-shared/errors.ts';
import { shownValue } from '../../../src-shared/shownValue.ts';
import type { JsonObject } from '../../datasets/tokenizerFiles.ts';
import type { GgufFields } from '../metadata.ts';
import { byteLevelParts } from './byteLevelParts.ts';
import { sentencePieceParts } from './sentencePieceParts.ts';
import type { RefuseTokenizer, Token, TokenizerParts } from './parts.ts';
import { specialTokens, type SpecialTokens } from './fileSpecialTokens.ts';
import { TOKEN_TYPES } from './vocabulary.ts';

export interface FoundTokenizer {
  /** tokenizer.json. */
  tokenizer: JsonObject;
  /** tokenizer_config.json. */
  config: JsonObject;
  special: SpecialTokens;
  /** Tokens in the file, rows of the embedding that no text leads to included. */
  size: number;
  notes: string[];
}

/** Throws GraftError GGUF_TOKENIZER for one that Graft cannot follow, or that contradicts itself; GGUF_HEADER. */
export function tokenizerFromGguf(file: string, fields: GgufFields): FoundTokenizer {
  const refuse: RefuseTokenizer = (problem) =>
    new GraftError(
      'GGUF_TOKENIZER',
      `The tokenizer in ${file} ${problem}, so texts would be read in another way than the model was trained on; add ` +
        'the Hugging Face folder of the model instead.',
      { file, problem },
    );
  const kind = fields.string('tokenizer.ggml.model');
  const listed = tokensOf(fields, refuse);
  const special = specialTokens(fields, kind, listed);
  const tokens = listed.map((token) => (special.ends.has(token.id) ? { ...token, type: TOKEN_TYPES.control } : token));
  const parts = partsOf(kind, fields, tokens, special, refuse);
  const strips = takesSpaceAlong(fields, special);
  const tokenizer: JsonObject = {
    version: '1.0',
    truncation: null,
    padding: null,
    added_tokens: tokens.filter(isAdded).map((token) => addedToken(token, strips)),
    normalizer: parts.normalizer,
    pre_tokenizer: parts.preTokenizer,
    post_processor: frame(special),
    decoder: parts.decoder,
    model: parts.model,
  };
  return { tokenizer, config: configOf(fields, special), special, size: tokens.length, notes: parts.notes };
}

function partsOf(
  kind: string | undefined,
  fields: GgufFields,
  tokens: Token[],
  special: SpecialTokens,
  refuse: RefuseTokenizer,
): TokenizerParts {
  if (kind === 'llama') return sentencePieceParts(fields, tokens, special);
  if (kind === 'gpt2') return byteLevelParts(fields, tokens, refuse);
  throw refuse(kind === undefined ? 'is missing' : `is of the kind ${shownValue(kind)}, which Graft does not read`);
}

function tokensOf(fields: GgufFields, refuse: RefuseTokenizer): Token[] {
  const texts = fields.strings('tokenizer.ggml.tokens');
  if (!texts || texts.length === 0) throw refuse('has no list of tokens');
  const types = fields.numbers('tokenizer.ggml.token_type');
  const scores = fields.numbers('tokenizer.ggml.scores');
  for (const [name, list] of Object.entries({ token_type: types, scores }))
    if (list && list.length < texts.length)
      throw refuse(`has ${texts.length} tokens, but only ${list.length} entries in ${name}`);
  const seen = new Set<string>();
  return texts.map((text, id) => {
    if (seen.has(text)) throw refuse(`has the token ${shownValue(text)} twice`);
    seen.add(text);
    return { id, text, type: types?.[id] ?? TOKEN_TYPES.normal, score: scores?.[id] ?? 0 };
  });
}

/** Found in a text before anything else is done to it. */
function isAdded({ type }: Token): boolean {
  return type === TOKEN_TYPES.control || type === TOKEN_TYPES.userDefined || type === TOKEN_TYPES.unknown;
}

function addedToken({ id, text, type }: Token, strips: (id: number) => boolean): JsonObject {
  const special = type !== TOKEN_TYPES.userDefined;
  return { id, content: text, single_word: false, lstrip: false, rstrip: strips(id), normalized: false, special };
}

/** Phi-3's control tokens take the white space after them along, those that are no marks of turns aside. */
function takesSpaceAlong(fields: GgufFields, special: SpecialTokens): (id: number) => boolean {
  const name = (fields.string('general.name') ?? '').toLowerCase();
  if (!name.includes('phi-3') && !name.includes('phi3')) return () => false;
  return (id) => special.isPhi3Mark(id);
}

/** What stands before and after every text. */
function frame({ bos, eos, addBos, addEos }: SpecialTokens): JsonObject | null {
  const before = addBos && bos ? [bos] : [];
  const after = addEos && eos ? [eos] : [];
  if (before.length + after.length === 0) return null;
  const mark = ({ text }: Token, type: number): JsonObject => ({ SpecialToken: { id: text, type_id: type } });
  const template = (name: string, type: number): JsonObject[] => [
    ...before.map((token) => mark(token, type)),
    { Sequence: { id: name, type_id: type } },
    ...after.map((token) => mark(token, type)),
  ];
  return {
    type: 'TemplateProcessing',
    single: template('A', 0),
    pair: [...template('A', 0), ...template('B', 1)],
    special_tokens: Object.fromEntries(
      [...before, ...after].map(({ id, text }) => [text, { id: text, ids: [id], tokens: [text] }]),
    ),
  };
}

function configOf(fields: GgufFields, { bos, eos, unk, pad, addBos, addEos }: SpecialTokens): JsonObject {
  const roles = Object.entries({ bos_token: bos, eos_token: eos, unk_token: unk, pad_token: pad });
  const template = chatTemplate(fields);
  return {
    add_bos_token: addBos,
    add_eos_token: addEos,
    ...Object.fromEntries(roles.flatMap(([role, token]) => (token ? [[role, token.text]] : []))),
    clean_up_tokenization_spaces: false,
    tokenizer_class: 'PreTrainedTokenizerFast',
    ...(template === undefined ? {} : { chat_template: template }),
  };
}

/** The template, or all of them by name where there are several. */
function chatTemplate(fields: GgufFields): string | JsonObject[] | undefined {
  const main = fields.string('tokenizer.chat_template');
  const prefix = 'tokenizer.chat_template.';
  const named = fields.keys().filter((key) => key.startsWith(prefix));
  if (named.length === 0) return main;
  return [
    ...(main === undefined ? [] : [{ name: 'default', template: main }]),
    ...named.map((key) => ({ name: key.slice(prefix.length), template: fields.string(key) })),
  ];
}
