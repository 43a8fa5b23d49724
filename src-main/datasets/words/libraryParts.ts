/** What the word encoder reads of Hugging Face's Tokenizer, which keeps most of it to itself. */
import type { Tokenizer } from '@huggingface/tokenizers';

interface AddedToken {
  id: number;
  lstrip?: boolean;
  rstrip?: boolean;
}

export interface LibraryParts {
  added_tokens_map: Map<string, AddedToken>;
  splitter_normalized: unknown;
  splitter_unnormalized: unknown;
  remove_space?: boolean;
  do_lowercase_and_remove_accent?: boolean;
}

/** words.test.ts compares ids with the library's own, and so fails where one of these has another name. */
export function partsOf(library: Tokenizer): LibraryParts {
  return library as unknown as LibraryParts;
}
