/** What is certain of the tokens of a text before they are made, where a tokenizer reads texts as bytes. */
import type { Tokenizer } from '@huggingface/tokenizers';
import { isObject } from '../tokenizerFiles.ts';
import { partsOf } from './libraryParts.ts';
import { readsBytes } from './wordEncoder.ts';

export interface ByteBounds {
  /** Bytes of the longest token. */
  longest: number;
  /** Characters beyond ASCII are normalised first, which changes how many bytes they have. */
  normalises: boolean;
}

/** Undefined where a text may lose characters, or have more tokens than bytes. */
export function byteBounds(library: Tokenizer, normalizer: unknown): ByteBounds | undefined {
  const normalises = normalizer !== null && normalizer !== undefined;
  if (normalises && !(isObject(normalizer) && normalizer['type'] === 'NFC')) return undefined;
  const { added_tokens_map: added } = partsOf(library);
  if ([...added.values()].some(({ lstrip, rstrip }) => lstrip || rstrip)) return undefined;
  if (!readsBytes(library)) return undefined;
  let longest = 1;
  // A symbol stands for a byte each, but an added token is written as it is.
  for (const token of library.get_vocab().keys()) longest = Math.max(longest, Buffer.byteLength(token));
  return { longest, normalises };
}
