/** The list of tokens of a GGUF file: one per row of the embedding, each with its kind. */
import { isObject, type JsonObject } from '../../datasets/tokenizerFiles.ts';

/** `enum llama_token_type` of llama.h. */
export const TOKEN_TYPES = { normal: 1, unknown: 2, control: 3, userDefined: 4, unused: 5, byte: 6 } as const;

export interface Vocabulary {
  tokens: string[];
  types: Int32Array;
  /** Texts of tokens that the embedding has no row for, so that no model could read them. */
  outside: string[];
  /** Whether tokens hold a zero byte, at which llama.cpp ends their text; they are left out. */
  zeroBytes: boolean;
}

export interface AddedToken {
  id: number;
  content: string;
  special: boolean;
  /** Takes the white space before, or after it, along. */
  lstrip: boolean;
  rstrip: boolean;
}

/** Of tokenizer.json and what tokenizer_config.json adds; the last entry of an id counts. */
export function addedTokens(tokenizer: JsonObject): Map<number, AddedToken> {
  const added = (tokenizer['added_tokens'] as unknown[]).filter(isObject).map((token) => ({
    id: Number(token['id']),
    content: String(token['content']),
    special: token['special'] === true,
    lstrip: token['lstrip'] === true,
    rstrip: token['rstrip'] === true,
  }));
  return new Map(added.map((token) => [token.id, token]));
}

/**
 * Tokens by id, as llama.cpp's converter lists them. Rows without a token are called [PADn] and never used; so are
 * those whose text another token has, since llama.cpp ends the process at two of one text, and an added token goes
 * first.
 * rows: of the embedding.
 */
export function vocabularyOf(tokenizer: JsonObject, rows: number): Vocabulary {
  const model = tokenizer['model'] as JsonObject;
  const added = addedTokens(tokenizer);
  const byteFallback = model['byte_fallback'] === true;
  const found = new Map<number, Token>();
  const see = (id: number, text: string): void => {
    const type = typeOf(text, added.get(id), model['unk_token'], byteFallback);
    found.set(id, { id, type, text: runtimeText(text, type, byteFallback) });
  };
  for (const [text, id] of Object.entries(model['vocab'] as Record<string, number>)) see(id, text);
  for (const [id, { content }] of added) see(id, content);
  const owners = new Map([...found.values()].map(({ id, text }) => [text, id]));
  for (const id of added.keys()) owners.set(found.get(id)!.text, id);
  const tokens: string[] = [];
  const types = new Int32Array(rows);
  for (let id = 0; id < rows; id++) {
    const token = found.get(id);
    const isOwn = token && owners.get(token.text) === id && !token.text.includes('\0');
    types[id] = isOwn ? token.type : TOKEN_TYPES.unused;
    tokens.push(isOwn ? token.text : padName(id, owners));
  }
  return {
    tokens,
    types,
    outside: [...found.values()].filter(({ id }) => id >= rows).map(({ text }) => text),
    zeroBytes: [...found.values()].some(({ id, text }) => id < rows && text.includes('\0')),
  };
}

interface Token {
  id: number;
  type: number;
  text: string;
}

function typeOf(text: string, added: AddedToken | undefined, unk: unknown, byteFallback: boolean): number {
  if (byteFallback && text === unk) return TOKEN_TYPES.unknown;
  if (added) return added.special || looksSpecial(text) ? TOKEN_TYPES.control : TOKEN_TYPES.userDefined;
  return byteFallback && /^<0x[0-9A-F]{2}>$/.test(text) ? TOKEN_TYPES.byte : TOKEN_TYPES.normal;
}

/** Tokens that models mark as text although they are none; the list is the converter's. */
function looksSpecial(text: string): boolean {
  return (
    ['<pad>', '<mask>', '<2mass>', '[@BOS@]'].includes(text) ||
    (text.startsWith('<|') && text.endsWith('|>')) ||
    (text.startsWith('<｜') && text.endsWith('｜>')) ||
    (text.startsWith('<unused') && text.endsWith('>'))
  );
}

/** llama.cpp looks for the texts of added tokens before it writes spaces as ▁. */
function runtimeText(text: string, type: number, byteFallback: boolean): string {
  return byteFallback && type === TOKEN_TYPES.userDefined ? text.replaceAll('▁', ' ') : text;
}

function padName(id: number, taken: ReadonlyMap<string, number>): string {
  const name = `[PAD${id}]`;
  return taken.has(name) ? `[PAD${id}_]` : name;
}
